import { createPaint, type Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { genericTable } from './generic.ts';

type TableRenderer = (document: Document, paint: Paint) => string | Promise<string>;

/**
 * What a person reads, by kind of document. A kind without an entry is shown by the generic renderer; add
 * `output/table/<kind>.ts` where that is not good enough.
 */
const renderers: Readonly<Record<string, () => Promise<TableRenderer>>> = {
  Doctor: async () => (await import('./doctor.ts')).doctorTable,
  Backup: async () => (await import('./backup.ts')).backupTable,
  BackupInspection: async () => (await import('./backup.ts')).backupTable,
  BackupRestore: async () => (await import('./backup.ts')).backupTable,
  Decision: async () => (await import('./decision.ts')).decisionTable,
  Explanation: async () => (await import('./explanation.ts')).explanationTable,
  PlanReport: async () => (await import('./plan.ts')).planReportTable,
  Promotion: async () => (await import('./promotion.ts')).promotionTable,
  PromotionList: async () => (await import('./promotion-list.ts')).promotionListTable,
  Run: async () => (await import('./run.ts')).runTable,
  RunList: async () => (await import('./run.ts')).runListTable,
  RunPlan: async () => (await import('./run-plan.ts')).runPlanTable,
  DatasetList: async () => (await import('./dataset.ts')).datasetListTable,
  DatasetActive: async () => (await import('./dataset.ts')).datasetActiveTable,
  DatasetHistory: async () => (await import('./dataset.ts')).datasetHistoryTable,
  HoldList: async () => (await import('./audit.ts')).holdListTable,
  PendingAuditList: async () => (await import('./audit.ts')).pendingAuditListTable,
  Reconciliation: async () => (await import('./audit.ts')).reconciliationTable,
  AlertList: async () => (await import('./alert.ts')).alertListTable,
  EventLaneList: async () => (await import('./event-lane.ts')).eventLaneListTable,
  IncidentList: async () => (await import('./incident.ts')).incidentListTable,
  GateList: async () => (await import('./gate.ts')).gateListTable,
  GateCheck: async () => (await import('./gate.ts')).gateCheckTable,
  GateExplanation: async () => (await import('./gate.ts')).gateExplanationTable,
  WaiverList: async () => (await import('./waiver.ts')).waiverListTable,
  PolicyReplay: async () => (await import('./policy.ts')).policyReplayTable,
  BirthPermitList: async () => (await import('./birth-permit.ts')).permitListTable,
  CandidateDecision: async () => (await import('./handoff.ts')).candidateDecisionTable,
  HandoffQuarantineList: async () => (await import('./handoff.ts')).quarantineListTable,
  HandoffReplayList: async () => (await import('./handoff-replay.ts')).replayListTable,
  Preflight: async () => (await import('./preflight.ts')).preflightTable,
  PolicyDiff: async () => (await import('./policy.ts')).policyDiffTable,
  QualityImport: async () => (await import('./quality.ts')).qualityImportTable,
  QualityImportList: async () => (await import('./quality.ts')).qualityImportListTable,
  EvidenceVerification: async () => (await import('./evidence.ts')).evidenceVerificationTable,
  EvidenceList: async () => (await import('./evidence.ts')).evidenceListTable,
  CapabilityList: async () => (await import('./evidence.ts')).capabilityListTable,
  LogVerification: async () => (await import('./evidence.ts')).logVerificationTable,
  Checkpoint: async () => (await import('./evidence.ts')).checkpointTable,
  LogProof: async () => (await import('./evidence.ts')).logProofTable,
  LogConsistency: async () => (await import('./evidence.ts')).logConsistencyTable,
};

export async function renderTable(document: Document, color: boolean): Promise<string> {
  const load = Object.hasOwn(renderers, document.kind) ? renderers[document.kind] : undefined;
  const render = load === undefined ? genericTable : await load();
  return render(document, await createPaint(color));
}
