-- What people say of a promotion: approvals of one request, and waivers of a gate or rule for a dataset.
-- breaking: false

-- One row a saying. Nothing of it changes but that it is used, once.
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
CREATE INDEX approval_by_run ON approval (run_id);

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
CREATE INDEX waiver_open ON waiver (tenant_id, dataset_id, expires_at) WHERE revoked_at IS NULL;
