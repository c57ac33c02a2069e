export {
  type ActivationDecision,
  type ActivationFacts,
  activationDecisionSchema,
  activationDecisionShape,
  activationGates,
  decideActivation,
} from './activation.ts';
export { BatchSize, busyTargetMs, idleTargetMs } from './batch-size.ts';
export {
  type BirthLine,
  type BirthLineInput,
  birthLineSchema,
  bornAtSchema,
  objectKeyLimit,
  objectKeySchema,
  objectTypeLimit,
  objectTypeSchema,
  payloadLimit,
  permitIdSchema,
  type RegistryChange,
  registryChanges,
} from './birth-line.ts';
export { type CandidateRow, type CandidateStatus, candidateStatus, isRetired } from './candidate.ts';
export {
  type Coverage,
  type CoverageEvidence,
  type CoverageState,
  type CursorFact,
  clockToleranceMs,
  coverageFix,
  judgeCoverage,
  lagSeconds,
  staleAfterMs,
} from './coverage.ts';
export { type Anchor, type CursorAlarm, judgeAnchor, judgeRange, judgeSource, type SourceFact, walksByKey } from './cursor.ts';
export { deactivateEventType } from './event-type.ts';
export {
  activateEventType,
  authorizeBuilds,
  type HandoffContext,
  type HandoffPause,
  recordActivation,
  resumeHandoff,
  staleHandoff,
} from './handoff-unit.ts';
export { csvParser, type LineParser, lineLimit, ndjsonParser, type ParsedLine } from './import-line.ts';
export { laneRowLimit } from './lane.ts';
export { bornAtGlob, normaliseBornAt } from './moment.ts';
export {
  advancePrune,
  discardQuarantine,
  type PrunePlan,
  pauseHandoff,
  type QuarantinedRow,
  type QuarantineSelector,
  retryQuarantine,
  startPrune,
} from './operation-unit.ts';
export { type PermitState, type PermitTerms, type PermitUse, permitBytes, permitState, recordPermit, recordRevocation } from './permit.ts';
export { judgedPreflight, recordPreflight } from './preflight.ts';
export { goneError, planRetry, type RetriedRow, type RetryPlan, waitingError } from './quarantine.ts';
export {
  completeReplay,
  type ReplayMend,
  type ReplayRange,
  type ReplayRequest,
  type ReplayRow,
  type ReplaySource,
  rangeFault,
  replaySources,
  replayStatuses,
  startReplay,
  stopReplay,
} from './replay.ts';
export { SliceSize } from './slice-size.ts';
export type { HandoffWrites } from './write.ts';
