import type { EventType } from './event.ts';

/** What an event tells its reader; what its `data` holds is in `data.ts`. */
type Entry = {
  readonly tells: string;
  /** What has to be there before anybody emits it. */
  readonly awaits?: string;
};

const registry = 'the registry of bundles';

/** Every type in words: the reference page and the help are made from this. The compiler proves that none is missing. */
export const eventCatalogue: Readonly<Record<EventType, Entry>> = {
  'operations.job.completed': { tells: 'The work of a run is done and it succeeded.' },
  'operations.job.failed': { tells: 'The work of a run ended without success.' },
  'store.gdp.promoted': {
    tells: 'A snapshot became ACTIVE in GDP.',
  },
  'store.kpi.promoted': {
    tells: 'A snapshot became ACTIVE in KPI.',
  },
  'store.promotion.failed': {
    tells: 'A promotion does not stand: the store did not move what a decision allowed, or a rollback put it back (`rolls_back`).',
  },
  'governance.contract.promoted': {
    tells: 'A promotion is complete under its contract, and on record.',
  },
  'governance.decision.recorded': {
    tells: 'A decision was recorded: allow, deny or defer.',
  },
  'handoff.object_born': { tells: 'An object was born in a source system.' },
  'handoff.stale': { tells: 'The tail of births has been silent for too long: what is born is not seen.' },
  'handoff.recovered': { tells: 'The tail of births speaks again.' },
  'run.started': { tells: 'A run was accepted.' },
  'run.completed': { tells: 'A run succeeded and is complete.' },
  'run.failed': {
    tells: 'A run ended without success: denied, cancelled or failed.',
  },
  'run.paused': { tells: 'A run was paused.' },
  'run.resumed': { tells: 'A paused run goes on.' },
  'incident.created': { tells: 'An incident was opened.' },
  'incident.resolved': { tells: 'An incident was resolved.' },
  'policy.evaluated': { tells: 'The policy packs were asked.' },
  'threshold.exceeded': {
    tells: 'A run crossed a threshold. An observation only: nothing was stopped.',
  },
  'trace.started': { tells: 'The trace of a run was begun.' },
  'trace.completed': { tells: 'The trace of a run is complete.' },
  'audit.reconciliation.missing': { tells: 'Something a run owed did not happen in time.' },
  'audit.reconciliation.drift': { tells: 'Something happened that no run owed, or twice.' },
  'audit.reconciliation.stale': { tells: 'A run was never finalized.' },
  'audit.reconciliation.invalid': { tells: 'A run owes something without a deadline, or what is kept of it cannot be read.' },
  'audit.reconciliation.failed': { tells: 'Something a run owed was done with an error.' },
  'registry.bundle.published': {
    tells: 'A bundle was published in the registry.',

    awaits: registry,
  },
  'registry.bundle.activated': { tells: 'A bundle became ACTIVE for a scope.', awaits: registry },
  'registry.bundle.rolled_back': {
    tells: 'A scope was set back to an earlier bundle.',

    awaits: registry,
  },
  'policy.rev.changed': { tells: 'Another set of policy packs is active.' },
  'key.rotated': { tells: 'A key was replaced by its successor.', awaits: 'key rotation' },
  'evidence.ref.resolved': {
    tells: 'Evidence was asked for: a signed URL was given out (`allow`) or refused (`deny`).',
  },
  'lock.broken': { tells: 'A lock was taken from its holder.' },
};
