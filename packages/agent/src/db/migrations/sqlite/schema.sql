CREATE TRIGGER decision_facts_disposed BEFORE DELETE ON decision_facts
WHEN NOT EXISTS (
    SELECT 1 FROM disposition_item i JOIN disposition d ON d.disposition_id = i.disposition_id JOIN record a ON a.ref = d.evidence_ref
    WHERE i.leaf_index = OLD.leaf_index)
  OR EXISTS (
    SELECT 1 FROM record r JOIN hold h ON h.tenant_id = r.tenant_id AND h.dataset_id = r.dataset_id
    WHERE r.leaf_index = OLD.leaf_index AND h.lifted_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'facts are erased under a recorded disposition only, and not on hold'); END;

CREATE TRIGGER decision_facts_no_update BEFORE UPDATE ON decision_facts BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER disposition_item_no_delete BEFORE DELETE ON disposition_item BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;

CREATE TRIGGER disposition_item_no_update BEFORE UPDATE ON disposition_item BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;

CREATE TRIGGER disposition_no_delete BEFORE DELETE ON disposition BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;

CREATE TRIGGER disposition_no_update BEFORE UPDATE ON disposition BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;

CREATE TRIGGER log_cosignature_no_delete BEFORE DELETE ON log_cosignature BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER log_cosignature_no_update BEFORE UPDATE ON log_cosignature BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER log_head_no_delete BEFORE DELETE ON log_head BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER log_head_no_update BEFORE UPDATE ON log_head BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER log_witnessed_no_delete BEFORE DELETE ON log_witnessed BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER log_witnessed_no_update BEFORE UPDATE ON log_witnessed BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER merkle_node_no_delete BEFORE DELETE ON merkle_node BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER merkle_node_no_update BEFORE UPDATE ON merkle_node BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER outbox_position_no_delete BEFORE DELETE ON outbox_position BEGIN SELECT RAISE(ABORT, 'positions never change'); END;

CREATE TRIGGER outbox_position_no_update BEFORE UPDATE ON outbox_position BEGIN SELECT RAISE(ABORT, 'positions never change'); END;

CREATE TRIGGER pointer_no_delete BEFORE DELETE ON pointer BEGIN SELECT RAISE(ABORT, 'pointer history is append-only'); END;

CREATE TRIGGER pointer_no_update BEFORE UPDATE ON pointer BEGIN SELECT RAISE(ABORT, 'pointer history is append-only'); END;

CREATE TRIGGER record_no_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER record_no_update BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TRIGGER record_payload_disposed BEFORE DELETE ON record_payload
WHEN NOT EXISTS (
    SELECT 1 FROM disposition_item i JOIN disposition d ON d.disposition_id = i.disposition_id JOIN record a ON a.ref = d.evidence_ref
    WHERE i.leaf_index = OLD.leaf_index)
  OR EXISTS (
    SELECT 1 FROM record r JOIN hold h ON h.tenant_id = r.tenant_id AND h.dataset_id = r.dataset_id
    WHERE r.leaf_index = OLD.leaf_index AND h.lifted_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'a payload is erased under a recorded disposition only, and not on hold'); END;

CREATE TRIGGER record_payload_no_update BEFORE UPDATE ON record_payload BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;

CREATE TABLE alert (
  tenant_id TEXT NOT NULL,
  alert_key TEXT NOT NULL,
  state     TEXT NOT NULL CHECK (state IN ('firing', 'resolved')),
  busy      INTEGER NOT NULL,              -- 1: something of it is to be sent, or asked again
  body      TEXT NOT NULL,
  PRIMARY KEY (tenant_id, alert_key)
) WITHOUT ROWID;

CREATE TABLE alert_tenant (
  tenant_id TEXT NOT NULL PRIMARY KEY,
  revision  INTEGER NOT NULL,
  body      TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_key (
  key_id      TEXT NOT NULL PRIMARY KEY,
  actor_id    TEXT NOT NULL,                -- SYSTEM::<service> or HUMAN::<id>
  secret_hash TEXT NOT NULL,                -- sha256 of a 256-bit random secret
  grants      TEXT NOT NULL,                -- JSON array of grants
  created_at  TEXT NOT NULL,
  created_by  TEXT NOT NULL,
  expires_at  TEXT,
  revoked_at  TEXT,
  revoked_by  TEXT
) WITHOUT ROWID;

CREATE TABLE approval (
  approval_id      TEXT NOT NULL PRIMARY KEY,
  run_id           TEXT NOT NULL,           -- the request it is about, and no other
  tenant_id        TEXT NOT NULL,
  dataset_id       TEXT NOT NULL,
  verdict          TEXT NOT NULL,           -- approve | reject
  actor_id         TEXT NOT NULL,           -- HUMAN::<id>
  authenticated_by TEXT NOT NULL,
  role             TEXT NOT NULL,
  snapshot_hash    TEXT NOT NULL,
  target           TEXT NOT NULL,
  policy_rev       TEXT NOT NULL,
  reason           TEXT NOT NULL,
  overrides        TEXT NOT NULL,           -- JSON array of gate and rule codes
  given_at         TEXT NOT NULL,
  expires_at       TEXT NOT NULL,
  evidence_ref     TEXT NOT NULL,
  used_at          TEXT,
  used_by          TEXT                     -- the decision that leaned on it
) WITHOUT ROWID;

CREATE TABLE audit_ack (
  ack_id          INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id          TEXT NOT NULL,
  domain          TEXT NOT NULL,
  action          TEXT NOT NULL,
  result_id       TEXT,
  status          TEXT,                     -- ROLLED_BACK
  rollback_reason TEXT,
  metadata        TEXT NOT NULL,            -- JSON object
  at              TEXT NOT NULL
);

CREATE TABLE audit_finding (
  run_id   TEXT NOT NULL,
  class    TEXT NOT NULL,                   -- missing | drift | stale | invalid | failed
  domain   TEXT NOT NULL,
  action   TEXT NOT NULL,
  detail   TEXT NOT NULL,
  found_at TEXT NOT NULL,
  PRIMARY KEY (run_id, class, domain, action)
) WITHOUT ROWID;

CREATE TABLE birth_permit_record (
  permit_id    TEXT NOT NULL PRIMARY KEY,
  evidence_ref TEXT NOT NULL,
  recorded_at  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE capability (
  jti            TEXT NOT NULL PRIMARY KEY,
  ref            TEXT NOT NULL,             -- what it opens
  tenant_id      TEXT NOT NULL,             -- whose that is
  dataset_id     TEXT,
  actor_id       TEXT NOT NULL,             -- who asked for it
  resolution_ref TEXT NOT NULL,             -- the ref-resolution record
  issued_at      TEXT NOT NULL,
  expires_at     TEXT NOT NULL,
  revoked_at     TEXT,
  revoked_by     TEXT
) WITHOUT ROWID;

CREATE TABLE capability_use (
  jti        TEXT NOT NULL PRIMARY KEY,
  ref        TEXT NOT NULL,
  actor_id   TEXT NOT NULL,
  used_at    TEXT NOT NULL,
  expires_at TEXT NOT NULL
, resumed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;

CREATE TABLE contract (
  contract_id TEXT NOT NULL,
  version     INTEGER NOT NULL,
  tenant_id   TEXT NOT NULL,
  dataset_id  TEXT NOT NULL,
  digest      TEXT NOT NULL,
  body        TEXT NOT NULL,                -- JSON, policy packs pinned to digests
  applied_at  TEXT NOT NULL,
  applied_by  TEXT NOT NULL,
  PRIMARY KEY (contract_id, version)
) WITHOUT ROWID;

CREATE TABLE dataset (
  tenant_id  TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, dataset_id)
) WITHOUT ROWID;

CREATE TABLE decision_facts (
  leaf_index INTEGER PRIMARY KEY,
  facts      TEXT NOT NULL
);

CREATE TABLE disposition (
  number         INTEGER PRIMARY KEY,
  disposition_id TEXT NOT NULL UNIQUE,
  rule           TEXT NOT NULL,
  records        INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  refs_digest    TEXT NOT NULL,             -- JCS digest of the refs, in the order of the log
  evidence_ref   TEXT NOT NULL,             -- the record that announced it
  reason         TEXT NOT NULL,
  announced_at   TEXT NOT NULL,
  announced_by   TEXT NOT NULL
);

CREATE TABLE disposition_item (
  leaf_index     INTEGER PRIMARY KEY,
  disposition_id TEXT NOT NULL
);

CREATE TABLE event_inbox (
  source     TEXT NOT NULL,
  event_id   TEXT NOT NULL,
  consumer   TEXT NOT NULL,
  handled_at TEXT NOT NULL,
  PRIMARY KEY (source, event_id, consumer)
) WITHOUT ROWID;

CREATE TABLE event_lane (
  lane         TEXT NOT NULL CHECK (lane IN ('reactor', 'webhook')),
  consumer     TEXT NOT NULL,              -- name of the endpoint; 'reactor' for the reactor
  position     INTEGER NOT NULL,
  moved_at     TEXT NOT NULL,
  heartbeat_at TEXT,
  PRIMARY KEY (lane, consumer)
) WITHOUT ROWID;

CREATE TABLE event_parked (
  lane            TEXT NOT NULL,
  consumer        TEXT NOT NULL,           -- name of the handler, or of the endpoint
  position        INTEGER NOT NULL,
  event_id        TEXT NOT NULL,
  event_type      TEXT NOT NULL,
  subject         TEXT NOT NULL,
  tenant_id       TEXT NOT NULL,
  dataset_id      TEXT,
  state           TEXT NOT NULL CHECK (state IN ('waiting', 'dead')),
  attempts        INTEGER NOT NULL,
  next_attempt_at TEXT,                    -- null: behind an earlier one of its subject
  parked_at       TEXT NOT NULL,
  last_error      TEXT,
  PRIMARY KEY (lane, consumer, position)
) WITHOUT ROWID;

CREATE TABLE event_pending (
  event_type  TEXT NOT NULL,
  object_key  TEXT NOT NULL,
  born_at     TEXT NOT NULL,
  captured_at TEXT NOT NULL,
  PRIMARY KEY (event_type, object_key, born_at)
) WITHOUT ROWID;

CREATE TABLE event_type_registry (
  event_type   TEXT NOT NULL PRIMARY KEY,
  active       INTEGER NOT NULL CHECK (active IN (0, 1)),
  changed_at   TEXT,
  changed_by   TEXT
) WITHOUT ROWID;

CREATE TABLE governance_build_authorization (
  authorization_id TEXT NOT NULL PRIMARY KEY,
  scope            TEXT NOT NULL,
  reason           TEXT NOT NULL,
  authorized_by    TEXT NOT NULL CHECK (authorized_by GLOB 'HUMAN::?*'),
  authorized_at    TEXT NOT NULL,
  evidence_ref     TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE governance_candidate_state (
  object_key    TEXT NOT NULL PRIMARY KEY,
  object_type   TEXT,                       -- null while only a changelog that does not tell types has spoken of it
  state         TEXT NOT NULL CHECK (state IN ('captured', 'activated')),
  dirty         INTEGER NOT NULL CHECK (dirty IN (0, 1)),
  born_at       TEXT,                       -- newest birth; null while no birth was seen
  retired_at    TEXT,                       -- newest retirement; retired while it is not older than born_at
  changelog_id  INTEGER NOT NULL,
  first_seen_at TEXT NOT NULL,
  last_seen_at  TEXT NOT NULL,
  activated_at  TEXT,
  decision_ref  TEXT
) WITHOUT ROWID;

CREATE TABLE handoff_cursor (
  source           TEXT NOT NULL,           -- birth_registry | registry_changelog
  shard            INTEGER NOT NULL,
  low_water        INTEGER NOT NULL,        -- every row up to this id was applied
  audited_upto     INTEGER NOT NULL,        -- every birth up to this id was proved to have its candidate and its event
  walk_low         INTEGER,                 -- a large backlog is walked in key order: the ids above this; null when none is
  walk_upto        INTEGER,                 -- ... up to this id
  walk_key         BLOB,                    -- ... and was, up to this key
  walk_rows        INTEGER NOT NULL DEFAULT 0, -- ... rows met so far: less than the ids of the range means that some were removed
  fence            INTEGER NOT NULL,
  holder           TEXT,
  last_poll_at     TEXT,                    -- the loop is cycling
  last_progress_at TEXT,                    -- it moved the low water
  last_settled_at  TEXT,                    -- nothing was left above the low water
  stale_since      TEXT,                    -- handoff.stale was said, handoff.recovered not yet
  alarm            TEXT, paused_at TEXT, paused_by TEXT, pause_reason TEXT, pruned_upto INTEGER NOT NULL DEFAULT 0, anchor TEXT,                    -- JSON {coverage, detail, raised_at}: pruned or drift, until an operator resumes
  PRIMARY KEY (source, shard)
) WITHOUT ROWID;

CREATE TABLE handoff_emitted (
  event_type TEXT NOT NULL,
  object_key TEXT NOT NULL,
  born_at    TEXT NOT NULL,
  emitted_at TEXT NOT NULL,
  PRIMARY KEY (event_type, object_key, born_at)
) WITHOUT ROWID;

CREATE TABLE handoff_prune (
  prune_id     TEXT NOT NULL PRIMARY KEY,
  upto         INTEGER NOT NULL,            -- no row above this id goes
  before_at    TEXT,                        -- and only changes older than this, where it is said
  planned_rows INTEGER NOT NULL,
  removed_rows INTEGER NOT NULL DEFAULT 0,
  walked_upto  INTEGER NOT NULL,
  reason       TEXT NOT NULL,
  started_at   TEXT NOT NULL,
  started_by   TEXT NOT NULL,
  finished_at  TEXT,
  evidence_ref TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE handoff_quarantine (
  source        TEXT NOT NULL,
  id            INTEGER NOT NULL,
  object_key    TEXT,
  row           TEXT NOT NULL,              -- JSON of the row as it was read
  error         TEXT NOT NULL,
  attempts      INTEGER NOT NULL,
  first_seen_at TEXT NOT NULL,
  resolved_at   TEXT,
  resolved_by   TEXT,
  resolution    TEXT, waits INTEGER NOT NULL DEFAULT 0, last_attempt_at TEXT, retry_asked_at TEXT, retry_ref TEXT, reason TEXT,
  PRIMARY KEY (source, id)
) WITHOUT ROWID;

CREATE TABLE handoff_replay (
  replay_id         TEXT NOT NULL PRIMARY KEY,
  source            TEXT NOT NULL CHECK (source IN ('birth_registry', 'registry_changelog')),
  from_id           INTEGER NOT NULL,
  to_id             INTEGER NOT NULL,
  object_key        TEXT, -- only rows of this object; null is all
  rate              INTEGER, -- rows a second at most; null is no bound
  reason            TEXT,
  status            TEXT NOT NULL CHECK (status IN ('running', 'complete', 'stopped')),
  position          INTEGER NOT NULL, -- every row up to this id was run again
  rows_total        INTEGER NOT NULL, -- rows of the range when it was started
  rows_read         INTEGER NOT NULL DEFAULT 0,
  mended_candidates INTEGER NOT NULL DEFAULT 0, -- births that had no candidate
  mended_events     INTEGER NOT NULL DEFAULT 0, -- births that had neither an event nor a captured one
  mended_changes    INTEGER NOT NULL DEFAULT 0, -- changes and retirements that had not been applied
  held_rows         INTEGER NOT NULL DEFAULT 0, -- rows that stand in the quarantine, and stay there
  started_at        TEXT NOT NULL,
  started_by        TEXT NOT NULL,
  authenticated_by  TEXT NOT NULL,
  last_batch_at     TEXT,
  ended_at          TEXT,
  ended_by          TEXT,
  evidence_ref      TEXT NOT NULL, -- the record of its start
  ended_ref         TEXT -- the record of its end
) WITHOUT ROWID;

CREATE TABLE hold (
  hold_id    TEXT NOT NULL PRIMARY KEY,
  tenant_id  TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  layer      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  run_id     TEXT,
  placed_at  TEXT NOT NULL,
  placed_by  TEXT NOT NULL,
  lifted_at  TEXT,
  lifted_by  TEXT,
  lift_reason TEXT
) WITHOUT ROWID;

CREATE TABLE incident (
  incident_id    TEXT NOT NULL PRIMARY KEY, -- digest of run and code: found twice it is opened once
  run_id         TEXT,                      -- null: of the deployment itself
  tenant_id      TEXT NOT NULL,
  dataset_id     TEXT,
  kind           TEXT NOT NULL,             -- run | system
  run_status     TEXT,
  error_code     TEXT NOT NULL,
  severity       TEXT NOT NULL,             -- high | medium | low
  reason         TEXT NOT NULL,
  opened_at      TEXT NOT NULL,
  resolved_at    TEXT,
  resolved_by    TEXT,
  resolve_reason TEXT
) WITHOUT ROWID;

CREATE TABLE job (
  run_id          TEXT NOT NULL PRIMARY KEY,
  tenant_id       TEXT NOT NULL,
  workspace       TEXT NOT NULL,
  job_kind        TEXT NOT NULL,           -- analysis | ofs_build | mf_train
  source          TEXT NOT NULL,           -- the YAML, byte for byte
  job_digest      TEXT NOT NULL,
  actor           TEXT NOT NULL,           -- JSON: who asked
  rerun_of        TEXT,
  host            TEXT,                    -- the state folder whose daemon runs it
  process         TEXT,                    -- and which daemon of it
  stop_asked_at   TEXT,
  stop_asked_by   TEXT,                    -- JSON: who asked for its end
  stop_reason     TEXT,
  manifest_digest TEXT,
  result_ref      TEXT,
  outputs         TEXT NOT NULL DEFAULT '[]' -- JSON array of the snapshots its outputs became
) WITHOUT ROWID;

CREATE TABLE job_promotion (
  job_run_id TEXT NOT NULL,
  run_id     TEXT NOT NULL,
  PRIMARY KEY (job_run_id, run_id)
) WITHOUT ROWID;

CREATE TABLE job_step (
  run_id        TEXT NOT NULL,
  step_index    INTEGER NOT NULL,
  attempt       INTEGER NOT NULL,
  name          TEXT NOT NULL,
  status        TEXT NOT NULL,             -- running | success | skipped | failed
  host          TEXT NOT NULL,
  process       TEXT NOT NULL,
  started_at    TEXT NOT NULL,
  ended_at      TEXT,
  pid           INTEGER,
  pid_start     TEXT,                      -- boot and start time: a pid alone names nobody
  exit_code     INTEGER,
  signal        TEXT,
  output_digest TEXT,                      -- what was kept of its output is an object of this digest
  output_bytes  INTEGER NOT NULL,          -- what it wrote, kept or not
  elapsed_ms    INTEGER NOT NULL,
  cost_units    REAL NOT NULL,
  reason        TEXT,
  takeaway      TEXT,
  next_action   TEXT,
  signals       TEXT NOT NULL,             -- JSON array of {name, digest, count}
  PRIMARY KEY (run_id, step_index, attempt)
) WITHOUT ROWID;

CREATE TABLE lease (
  lease_name TEXT NOT NULL PRIMARY KEY,
  fence      INTEGER NOT NULL,
  holder     TEXT NOT NULL,
  expires_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE lock (
  lock_key    TEXT NOT NULL PRIMARY KEY,
  fence       INTEGER NOT NULL,
  holder      TEXT,
  acquired_at TEXT,
  expires_at  TEXT
) WITHOUT ROWID;

CREATE TABLE log_cosignature (
  size        INTEGER NOT NULL,
  witness     TEXT NOT NULL,               -- name of its key
  line        TEXT NOT NULL,               -- a signature line of the signed note
  cosigned_at TEXT NOT NULL,               -- the witness's own word
  PRIMARY KEY (size, witness)
) WITHOUT ROWID;

CREATE TABLE log_head (
  size         INTEGER PRIMARY KEY,
  root         BLOB NOT NULL,
  committed_at TEXT NOT NULL
);

CREATE TABLE log_witness (
  witness     TEXT NOT NULL PRIMARY KEY,
  size        INTEGER NOT NULL,
  line        TEXT NOT NULL,
  cosigned_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE log_witnessed (
  size         INTEGER PRIMARY KEY,
  quorum       INTEGER NOT NULL,
  witnessed_at TEXT NOT NULL
);

CREATE TABLE merkle_node (
  level INTEGER NOT NULL,
  node_index INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, node_index)
) WITHOUT ROWID;

CREATE TABLE outbox (
  outbox_id      INTEGER PRIMARY KEY AUTOINCREMENT,
  committed_at   TEXT NOT NULL,
  event_count    INTEGER NOT NULL,
  events         TEXT NOT NULL              -- JSON array of event drafts, in order
);

CREATE TABLE outbox_position (
  first_position INTEGER PRIMARY KEY,       -- of the row's first event; the others follow
  outbox_id      INTEGER NOT NULL,
  event_count    INTEGER NOT NULL
);

CREATE TABLE pending_audit (
  audit_id   TEXT NOT NULL PRIMARY KEY,
  run_id     TEXT NOT NULL,
  tenant_id  TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  layer      TEXT NOT NULL,
  owner      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  opened_at  TEXT NOT NULL,
  due_at     TEXT NOT NULL,
  closed_at  TEXT,
  closed_by  TEXT,
  close_reason TEXT
) WITHOUT ROWID;

CREATE TABLE pointer (
  tenant_id    TEXT NOT NULL,
  dataset_id   TEXT NOT NULL,
  layer        TEXT NOT NULL,
  generation   INTEGER NOT NULL,
  snapshot_id  TEXT NOT NULL,
  snapshot_hash TEXT NOT NULL,
  run_id       TEXT NOT NULL,
  decision_ref TEXT NOT NULL,
  fence        INTEGER NOT NULL,
  moved_at     TEXT NOT NULL,
  PRIMARY KEY (tenant_id, dataset_id, layer, generation)
) WITHOUT ROWID;

CREATE TABLE policy_activation (
  activation   INTEGER PRIMARY KEY,
  policy_rev   TEXT NOT NULL,
  packs        TEXT NOT NULL,               -- JSON array of {name, version, digest}
  activated_at TEXT NOT NULL,
  activated_by TEXT NOT NULL
);

CREATE TABLE policy_pack (
  digest    TEXT NOT NULL PRIMARY KEY,
  name      TEXT NOT NULL,
  version   TEXT NOT NULL,
  source    TEXT NOT NULL,                  -- the YAML, byte for byte
  stored_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE quality_import (
  import_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  snapshot_id  TEXT NOT NULL,
  source_kind  TEXT NOT NULL,               -- dbt | junit | bundle
  source_digest TEXT NOT NULL,
  imported_at  TEXT NOT NULL,
  imported_by  TEXT NOT NULL,
  checks       TEXT NOT NULL                -- JSON array of QualityCheck
);

CREATE TABLE reconcile_report (
  report_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  digest       TEXT NOT NULL,
  as_of        TEXT NOT NULL,
  clean        INTEGER NOT NULL,
  findings     INTEGER NOT NULL,
  by_class     TEXT NOT NULL,               -- JSON object: class -> how many
  checked      TEXT NOT NULL,               -- JSON object: what was compared -> how many
  evidence_ref TEXT NOT NULL
);

CREATE TABLE record (
  leaf_index   INTEGER PRIMARY KEY,
  ref          TEXT NOT NULL UNIQUE,        -- sha256: of the DSSE payload
  kind         TEXT NOT NULL,               -- decision, promotion, governance-fact, ...
  run_id       TEXT,
  tenant_id    TEXT NOT NULL,
  dataset_id   TEXT,
  recorded_at  TEXT NOT NULL,
  leaf_hash    BLOB NOT NULL,
  body         BLOB NOT NULL                -- the logged leaf: payload digest, signatures, keys; never the payload
);

CREATE TABLE record_payload (
  leaf_index INTEGER PRIMARY KEY,
  payload    BLOB NOT NULL
);

CREATE TABLE run (
  run_id           TEXT NOT NULL PRIMARY KEY,
  kind             TEXT NOT NULL,           -- promotion | rollback | job
  tenant_id        TEXT NOT NULL,
  dataset_id       TEXT NOT NULL,
  from_layer       TEXT,
  to_layer         TEXT,
  snapshot_id      TEXT,
  actor_id         TEXT NOT NULL,
  request_digest   TEXT NOT NULL,           -- the idempotency body
  phase            TEXT NOT NULL,
  status           TEXT NOT NULL,
  revision         INTEGER NOT NULL,        -- compare-and-set of every later change
  created_at       TEXT NOT NULL,
  updated_at       TEXT NOT NULL,
  next_eligible_at TEXT,                    -- when a deferred run is asked again
  defer_until      TEXT,                    -- when the contract's promise to defer ends
  decision         TEXT,
  decision_ref     TEXT,
  evidence_ref     TEXT,
  dataset_revision  INTEGER,                -- what the last evaluation saw: a change of either wakes a deferred run
  policy_activation INTEGER NOT NULL,
  state            TEXT NOT NULL            -- JSON: request, phases, segments, expectations, acks, waiting_on
);

CREATE TABLE run_trace (
  run_id TEXT NOT NULL,
  seq    INTEGER NOT NULL,
  kind   TEXT NOT NULL,                    -- start | step | end
  at     TEXT NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;

CREATE TABLE schema_migration (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, breaking INTEGER NOT NULL, applied_at TEXT NOT NULL
);

CREATE TABLE snapshot (
  snapshot_id        TEXT NOT NULL PRIMARY KEY,
  tenant_id          TEXT NOT NULL,
  dataset_id         TEXT NOT NULL,
  layer              TEXT NOT NULL,         -- where it was registered
  snapshot_hash      TEXT NOT NULL,         -- digest of the manifest, which is an object of that digest
  file_count         INTEGER NOT NULL,
  total_bytes        INTEGER NOT NULL,
  missing_objects    INTEGER NOT NULL,
  environment        TEXT NOT NULL,
  service_release_id TEXT NOT NULL,
  created_at         TEXT NOT NULL,
  created_by         TEXT NOT NULL,
  verification       TEXT NOT NULL,         -- registered | verified | withdrawn
  verified_at        TEXT,
  quarantined_at     TEXT,
  quarantine_reason  TEXT,
  quarantine_run_id  TEXT,
  flagged_reason     TEXT                   -- built on a version that was rolled back
);

CREATE TABLE tenant_suspension (
  suspension_id TEXT NOT NULL PRIMARY KEY,
  tenant_id     TEXT NOT NULL,
  reason        TEXT NOT NULL,
  suspended_at  TEXT NOT NULL,
  suspended_by  TEXT NOT NULL,
  evidence_ref  TEXT NOT NULL,
  resumed_at    TEXT,
  resumed_by    TEXT,
  resume_reason TEXT
) WITHOUT ROWID;

CREATE TABLE waiver (
  waiver_id     TEXT NOT NULL PRIMARY KEY,
  tenant_id     TEXT NOT NULL,
  dataset_id    TEXT NOT NULL,
  layer         TEXT,                       -- null: every layer
  snapshot_id   TEXT,                       -- null: every snapshot
  rule          TEXT NOT NULL,
  subject       TEXT NOT NULL,
  reason        TEXT NOT NULL,
  granted_at    TEXT NOT NULL,
  granted_by    TEXT NOT NULL,
  expires_at    TEXT NOT NULL,
  evidence_ref  TEXT NOT NULL,
  revoked_at    TEXT,
  revoked_by    TEXT,
  revoke_reason TEXT
) WITHOUT ROWID;

CREATE INDEX alert_busy ON alert (tenant_id) WHERE busy = 1;

CREATE INDEX approval_by_run ON approval (run_id);

CREATE INDEX audit_ack_by_run ON audit_ack (run_id);

CREATE INDEX audit_finding_by_time ON audit_finding (found_at);

CREATE INDEX capability_by_end ON capability (expires_at);

CREATE INDEX capability_use_by_end ON capability_use (expires_at);

CREATE INDEX contract_by_dataset ON contract (tenant_id, dataset_id, applied_at);

CREATE INDEX disposition_item_by_disposition ON disposition_item (disposition_id, leaf_index);

CREATE INDEX event_parked_waiting ON event_parked (lane, consumer, position) WHERE state = 'waiting';

CREATE INDEX handoff_quarantine_asked ON handoff_quarantine (object_key, source, id) WHERE retry_asked_at IS NOT NULL AND resolved_at IS NULL;

CREATE INDEX handoff_quarantine_discarded ON handoff_quarantine (source, id) WHERE resolution = 'discarded';

CREATE INDEX handoff_quarantine_open ON handoff_quarantine (object_key) WHERE resolved_at IS NULL;

CREATE INDEX handoff_replay_running ON handoff_replay (started_at, replay_id) WHERE status = 'running';

CREATE INDEX hold_open ON hold (tenant_id, dataset_id, layer) WHERE lifted_at IS NULL;

CREATE INDEX incident_by_run ON incident (run_id);

CREATE INDEX incident_by_time ON incident (opened_at, incident_id);

CREATE INDEX incident_open ON incident (opened_at, incident_id) WHERE resolved_at IS NULL;

CREATE INDEX job_by_workspace ON job (tenant_id, workspace);

CREATE INDEX pending_audit_open ON pending_audit (tenant_id, dataset_id, layer, due_at) WHERE closed_at IS NULL;

CREATE INDEX quality_import_by_snapshot ON quality_import (snapshot_id);

CREATE INDEX record_by_run ON record (run_id) WHERE run_id IS NOT NULL;

CREATE INDEX run_by_target ON run (tenant_id, dataset_id, created_at);

CREATE INDEX run_by_time ON run (created_at DESC, run_id);

CREATE INDEX run_open ON run (next_eligible_at) WHERE phase NOT IN ('COMPLETED', 'FAILED');

CREATE INDEX run_open_job ON run (created_at) WHERE kind = 'job' AND phase NOT IN ('COMPLETED', 'FAILED');

CREATE INDEX snapshot_by_dataset ON snapshot (tenant_id, dataset_id, created_at);

CREATE UNIQUE INDEX tenant_suspended ON tenant_suspension (tenant_id) WHERE resumed_at IS NULL;

CREATE INDEX tenant_suspension_by_time ON tenant_suspension (suspended_at);

CREATE INDEX waiver_open ON waiver (tenant_id, dataset_id, expires_at) WHERE revoked_at IS NULL;
