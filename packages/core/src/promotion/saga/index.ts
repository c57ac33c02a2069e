export { cancel } from './cancel.ts';
export { carryOut } from './carry-out.ts';
export { type Failure, failRun } from './fail.ts';
export {
  type KeptLock,
  notePause,
  pausePromotion,
  refusedResume,
  resumePromotion,
} from './pause.ts';
export { type ConfirmedPlan, confirmCommit, type DecisionPlan, decideForRemote, type StorePlan, storeMove } from './remote.ts';
export { startRun } from './start.ts';
export type { Extra, Judged, Planned, RunStart, SagaContext } from './step.ts';
