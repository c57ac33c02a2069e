-- The evidence log, runs, pointers, locks and the outbox: what the write path touches on every promotion.
-- breaking: false
-- Few, narrow rows on purpose: a promotion is one row each in run, pointer and outbox, and two in record.

-- One row a leaf. The index is contiguous and comes from the log head, never from a sequence, so a rollback leaves no gap.
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
CREATE INDEX record_by_run ON record (run_id) WHERE run_id IS NOT NULL;

-- Payloads can be erased under a retention policy; the leaf, and with it every proof, stays.
CREATE TABLE record_payload (
  leaf_index INTEGER PRIMARY KEY,
  payload    BLOB NOT NULL
);

-- Facts a decision was made from, for replay.
CREATE TABLE decision_facts (
  leaf_index INTEGER PRIMARY KEY,
  facts      TEXT NOT NULL
);

-- Complete subtree nodes above the leaves; they never change once written.
CREATE TABLE merkle_node (
  level INTEGER NOT NULL,
  node_index INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, node_index)
) WITHOUT ROWID;

-- One row per durable commit that appended: the history of heads. The signed note is a pure function of it.
CREATE TABLE log_head (
  size         INTEGER PRIMARY KEY,
  root         BLOB NOT NULL,
  committed_at TEXT NOT NULL
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
CREATE INDEX run_open ON run (next_eligible_at) WHERE phase NOT IN ('COMPLETED', 'FAILED');
CREATE INDEX run_by_target ON run (tenant_id, dataset_id, created_at);
-- The order of `promotion ls`: without it every list sorts the whole table.
CREATE INDEX run_by_time ON run (created_at DESC, run_id);

-- The ACTIVE pointer is its own history: a move is an insert of the next generation, and the primary key is the compare-and-set.
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

-- One row a key, for ever: the fence grows with each change of holder and is never reset.
CREATE TABLE lock (
  lock_key    TEXT NOT NULL PRIMARY KEY,
  fence       INTEGER NOT NULL,
  holder      TEXT,
  acquired_at TEXT,
  expires_at  TEXT
) WITHOUT ROWID;

-- The one lease port of every background loop.
CREATE TABLE lease (
  lease_name TEXT NOT NULL PRIMARY KEY,
  fence      INTEGER NOT NULL,
  holder     TEXT NOT NULL,
  expires_at TEXT NOT NULL
) WITHOUT ROWID;

-- One row per unit that has events; never changed, so that no event text is written twice.
CREATE TABLE outbox (
  outbox_id      INTEGER PRIMARY KEY AUTOINCREMENT,
  committed_at   TEXT NOT NULL,
  event_count    INTEGER NOT NULL,
  events         TEXT NOT NULL              -- JSON array of event drafts, in order
);

-- Dispatched outbox rows: the dispatcher gives each event a contiguous position in commit order. Stays when the outbox is pruned.
CREATE TABLE outbox_position (
  first_position INTEGER PRIMARY KEY,       -- of the row's first event; the others follow
  outbox_id      INTEGER NOT NULL,
  event_count    INTEGER NOT NULL
);

CREATE TRIGGER record_no_update BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER record_no_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER merkle_node_no_update BEFORE UPDATE ON merkle_node BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER merkle_node_no_delete BEFORE DELETE ON merkle_node BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_head_no_update BEFORE UPDATE ON log_head BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_head_no_delete BEFORE DELETE ON log_head BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER pointer_no_update BEFORE UPDATE ON pointer BEGIN SELECT RAISE(ABORT, 'pointer history is append-only'); END;
CREATE TRIGGER pointer_no_delete BEFORE DELETE ON pointer BEGIN SELECT RAISE(ABORT, 'pointer history is append-only'); END;
CREATE TRIGGER outbox_position_no_update BEFORE UPDATE ON outbox_position BEGIN SELECT RAISE(ABORT, 'positions never change'); END;
CREATE TRIGGER outbox_position_no_delete BEFORE DELETE ON outbox_position BEGIN SELECT RAISE(ABORT, 'positions never change'); END;
