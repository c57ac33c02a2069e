-- What people say of a promotion: approvals of one request, and waivers of a gate or rule for a dataset.
-- breaking: false

-- One row a saying. Nothing of it changes but that it is used, once.
CREATE TABLE approval (
  approval_id      text COLLATE "C" NOT NULL PRIMARY KEY,
  run_id           text COLLATE "C" NOT NULL,           -- the request it is about, and no other
  tenant_id        text COLLATE "C" NOT NULL,
  dataset_id       text COLLATE "C" NOT NULL,
  verdict          text COLLATE "C" NOT NULL,           -- approve | reject
  actor_id         text COLLATE "C" NOT NULL,           -- HUMAN::<id>
  authenticated_by text COLLATE "C" NOT NULL,
  role             text COLLATE "C" NOT NULL,
  snapshot_hash    text COLLATE "C" NOT NULL,
  target           text COLLATE "C" NOT NULL,
  policy_rev       text COLLATE "C" NOT NULL,
  reason           text COLLATE "C" NOT NULL,
  overrides        text COLLATE "C" NOT NULL,           -- JSON array of gate and rule codes
  given_at         text COLLATE "C" NOT NULL,
  expires_at       text COLLATE "C" NOT NULL,
  evidence_ref     text COLLATE "C" NOT NULL,
  used_at          text COLLATE "C",
  used_by          text COLLATE "C"                     -- the decision that leaned on it
);
CREATE INDEX approval_by_run ON approval (run_id);

CREATE TABLE waiver (
  waiver_id     text COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id     text COLLATE "C" NOT NULL,
  dataset_id    text COLLATE "C" NOT NULL,
  layer         text COLLATE "C",                       -- null: every layer
  snapshot_id   text COLLATE "C",                       -- null: every snapshot
  rule          text COLLATE "C" NOT NULL,
  subject       text COLLATE "C" NOT NULL,
  reason        text COLLATE "C" NOT NULL,
  granted_at    text COLLATE "C" NOT NULL,
  granted_by    text COLLATE "C" NOT NULL,
  expires_at    text COLLATE "C" NOT NULL,
  evidence_ref  text COLLATE "C" NOT NULL,
  revoked_at    text COLLATE "C",
  revoked_by    text COLLATE "C",
  revoke_reason text COLLATE "C"
);
CREATE INDEX waiver_open ON waiver (tenant_id, dataset_id, expires_at) WHERE revoked_at IS NULL;
