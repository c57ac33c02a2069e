export * from './complete.ts';
export * from './decision.ts';
export * from './decision-document.ts';
export * from './defer.ts';
export * from './document.ts';
export { denyJob, type Ending, endRun } from './end.ts';
export { factOfJob } from './fact.ts';
export {
  type GateInputFact,
  isDataReason,
  judgeStep,
  kindsIn,
  type Signal,
  type StepFacts,
  type StepGate,
  type UnmetReason,
} from './gate.ts';
export { type Detection, detectInput } from './input/detect.ts';
export { type KindName, kindNames } from './input/kind.ts';
export { headBytes } from './input/text.ts';
export * from './job-file.ts';
export * from './job-kind.ts';
export { overLimit } from './limit.ts';
export * from './lost-trace.ts';
export * from './manifest.ts';
export * from './mid-run.ts';
export * from './pause.ts';
export { type PlannedStep, plannedNextAction, planSteps } from './planned-step.ts';
export { type Requires, requiresSchema } from './requires.ts';
export * from './run.ts';
export * from './step.ts';
export { type Submission, submitJob } from './submit.ts';
export type { JudgedJob } from './verdict.ts';
export * from './write.ts';
