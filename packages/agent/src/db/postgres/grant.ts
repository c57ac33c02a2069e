/** Rights of the daemon's role on each table. What must never change is never changed: a bug or a stolen password cannot rewrite it. */
const appendOnly = 'SELECT, INSERT';
const changing = 'SELECT, INSERT, UPDATE';
const passing = 'SELECT, INSERT, UPDATE, DELETE';

/** One entry a table; a test holds this list against the schema. */
export const tableRights = {
  record: appendOnly,
  // Deleted from only what a disposition on record lists: the triggers of both see to it.
  record_payload: 'SELECT, INSERT, DELETE',
  decision_facts: 'SELECT, INSERT, DELETE',
  disposition: appendOnly,
  disposition_item: appendOnly,
  merkle_node: appendOnly,
  log_head: appendOnly,
  log_cosignature: appendOnly,
  log_witnessed: appendOnly,
  pointer: appendOnly,
  outbox: appendOnly,
  outbox_position: appendOnly,
  quality_import: appendOnly,
  contract: appendOnly,
  policy_pack: appendOnly,
  policy_activation: appendOnly,
  governance_build_authorization: appendOnly,
  handoff_emitted: appendOnly,
  event_inbox: appendOnly,
  birth_permit_record: appendOnly,
  run_trace: appendOnly,
  job_promotion: appendOnly,
  job: changing,
  job_step: changing,
  run: changing,
  lock: changing,
  lease: changing,
  log_witness: changing,
  dataset: changing,
  snapshot: changing,
  hold: changing,
  pending_audit: changing,
  incident: changing,
  audit_finding: appendOnly,
  audit_ack: appendOnly,
  reconcile_report: appendOnly,
  approval: changing,
  waiver: changing,
  tenant_suspension: changing,
  api_key: changing,
  event_type_registry: changing,
  governance_candidate_state: changing,
  handoff_cursor: changing,
  handoff_quarantine: changing,
  handoff_prune: changing,
  handoff_replay: changing,
  event_lane: changing,
  event_parked: passing,
  alert: passing,
  alert_tenant: changing,
  outbox_waiting: passing,
  capability: passing,
  capability_use: passing,
  event_pending: passing,
  schema_migration: 'SELECT',
} as const satisfies Record<string, string>;

/** The same for the embedded birth tables: a birth is never changed, the changelog is only pruned, and the tail reads where the ids stand. */
export const birthsRights = {
  birth_registry: appendOnly,
  registry_changelog: 'SELECT, INSERT, DELETE',
  birth_permit: changing,
  schema_migration: 'SELECT',
  birth_registry_birth_id_seq: 'SELECT',
  registry_changelog_id_seq: 'SELECT',
} as const satisfies Record<string, string>;

/** Tables of the evidence log: the daemon refuses to start with a role that could change them. */
export const logTables = [
  'record',
  'merkle_node',
  'log_head',
  'pointer',
  'outbox_position',
] as const satisfies readonly (keyof typeof tableRights)[];
