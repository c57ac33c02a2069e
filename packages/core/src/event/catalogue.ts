import type { EventType } from './event.ts';

/** What an event tells its reader, and what its `data` has besides the scope that all of them carry. */
type Entry = {
  readonly tells: string;
  readonly data: readonly string[];
  /** What has to be there before anybody emits it. */
  readonly awaits?: string;
};

const audit = ['domain', 'action', 'detail'];
const registry = 'the registry of bundles';

/** Every type in words: the reference page and the help are made from this. The compiler proves that none is missing. */
export const eventCatalogue: Readonly<Record<EventType, Entry>> = {
  'operations.job.completed': { tells: 'The work of a run is done and it succeeded.', data: ['status'] },
  'operations.job.failed': { tells: 'The work of a run ended without success.', data: ['status', 'failing_gates'] },
  'store.gdp.promoted': {
    tells: 'A snapshot became ACTIVE in GDP.',
    data: ['decision_ref', 'snapshot_id', 'snapshot_hash', 'generation'],
  },
  'store.kpi.promoted': {
    tells: 'A snapshot became ACTIVE in KPI.',
    data: ['decision_ref', 'snapshot_id', 'snapshot_hash', 'generation'],
  },
  'store.promotion.failed': {
    tells: 'A promotion does not stand: the store did not move what a decision allowed, or a rollback put it back (`rolls_back`).',
    data: ['decision_ref', 'reason', 'rolls_back'],
  },
  'governance.contract.promoted': {
    tells: 'A promotion is complete under its contract, and on record.',
    data: ['evidence_ref', 'decision_ref', 'contract_id'],
  },
  'governance.decision.recorded': {
    tells: 'A decision was recorded: allow, deny or defer.',
    data: ['decision', 'decision_ref', 'waiting_on'],
  },
  'handoff.object_born': { tells: 'An object was born in a source system.', data: ['object_key', 'object_type', 'born_at'] },
  'handoff.stale': { tells: 'The tail of births has been silent for too long: what is born is not seen.', data: ['last_poll_at'] },
  'handoff.recovered': { tells: 'The tail of births speaks again.', data: ['stale_since'] },
  'run.started': { tells: 'A run was accepted.', data: ['kind', 'trace_id'] },
  'run.completed': { tells: 'A run succeeded and is complete.', data: ['incident_id', 'policy_eval_id', 'trace_id'] },
  'run.failed': {
    tells: 'A run ended without success: denied, cancelled or failed.',
    data: ['status', 'reason', 'decision_ref', 'trace_id'],
  },
  'run.paused': { tells: 'A run was paused.', data: ['reason', 'authority', 'resume_by'] },
  'run.resumed': { tells: 'A paused run goes on.', data: ['reason'] },
  'incident.created': { tells: 'An incident was opened.', data: ['incident_id', 'error_code', 'severity', 'run_status', 'reason'] },
  'incident.resolved': { tells: 'An incident was resolved.', data: ['incident_id', 'error_code', 'resolved_by', 'reason'] },
  'policy.evaluated': { tells: 'The policy packs were asked.', data: ['policy_rev', 'decision_digest'] },
  'threshold.exceeded': {
    tells: 'A run crossed a threshold. An observation only: nothing was stopped.',
    data: ['threshold', 'limit', 'value', 'risk_level'],
  },
  'trace.started': { tells: 'The trace of a run was begun.', data: ['trace_id'] },
  'trace.completed': { tells: 'The trace of a run is complete.', data: ['trace_id', 'kind', 'observability_status'] },
  'audit.reconciliation.missing': { tells: 'Something a run owed did not happen in time.', data: audit },
  'audit.reconciliation.drift': { tells: 'Something happened that no run owed, or twice.', data: audit },
  'audit.reconciliation.stale': { tells: 'A run was never finalized.', data: audit },
  'audit.reconciliation.invalid': { tells: 'A run owes something without a deadline.', data: audit },
  'audit.reconciliation.failed': { tells: 'Something a run owed was done with an error.', data: audit },
  'registry.bundle.published': {
    tells: 'A bundle was published in the registry.',
    data: ['bundle_id', 'version', 'digest'],
    awaits: registry,
  },
  'registry.bundle.activated': { tells: 'A bundle became ACTIVE for a scope.', data: ['bundle_id', 'version', 'scope'], awaits: registry },
  'registry.bundle.rolled_back': {
    tells: 'A scope was set back to an earlier bundle.',
    data: ['bundle_id', 'version', 'scope'],
    awaits: registry,
  },
  'policy.rev.changed': { tells: 'Another set of policy packs is active.', data: ['pack', 'previous', 'policy_rev'] },
  'key.rotated': { tells: 'A key was replaced by its successor.', data: ['key_id', 'successor'], awaits: 'key rotation' },
  'evidence.ref.resolved': {
    tells: 'Evidence was asked for: a signed URL was given out (`allow`) or refused (`deny`).',
    data: ['evidence_ref', 'outcome', 'actor_id', 'resolution_ref'],
  },
  'lock.broken': { tells: 'A lock was taken from its holder.', data: ['reason', 'fence'] },
};
