export { addressed } from './addressed.ts';
export { type Approvals, approvalTarget, countApprovals, meets, quorumOf } from './approval.ts';
export { buildBundle } from './build-bundle.ts';
export { type BundleSigner, bundleSignerSchema, type EvidenceBundle, type SubmittedBundle, submittedBundleSchema } from './bundle.ts';
export { coverageStates } from './coverage-state.ts';
export { decide, decisionDigest } from './decide.ts';
export * from './decision.ts';
export { endedByTimeout } from './ended-by-timeout.ts';
export { exceptionText, isWaivable, maxApprovalMs, maxWaiverMs, waivableGates } from './exception.ts';
export { explain } from './explain.ts';
export * from './facts.ts';
export { fromFactsFile, toFactsFile } from './facts-file.ts';
export { type Comparison, compareCandidate } from './flip.ts';
export { bundlePayload, bundlePayloadType } from './gate/signers.ts';
export type { Finding, Gate, Moment } from './gate.ts';
export { gateList, gatesOf, preflightGates, promotionGates, type ShownGate } from './gate-list.ts';
export { buildInput, factsDigest, type GateInput } from './input.ts';
export { kernelVersion } from './kernel-version.ts';
export { type Parity, type ParitySide, parity } from './parity.ts';
export { decidePreflight, dimensionOf } from './preflight.ts';
export {
  type PreflightAction,
  type PreflightDecision,
  type PreflightFacts,
  preflightActions,
  preflightDecisionShape,
  preflightFactsSchema,
} from './preflight-document.ts';
export { type PackSource, type Replay, replayDecision } from './replay.ts';
export { answersMoved, type Moved, movedBetween, stateDigest } from './state.ts';
export { verdictOf } from './verdict-of.ts';
