-- What decisions are made from: snapshots and their checks, contracts, policies, holds, audits, API keys.
-- breaking: false

-- One row a dataset. Its revision grows with every change of a fact about it, so that one comparison guards a decision.
CREATE TABLE dataset (
  tenant_id  TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, dataset_id)
) WITHOUT ROWID;

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
CREATE INDEX snapshot_by_dataset ON snapshot (tenant_id, dataset_id, created_at);

-- Normalised quality results; the newest import of a name wins, older ones stay.
CREATE TABLE quality_import (
  import_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  snapshot_id  TEXT NOT NULL,
  source_kind  TEXT NOT NULL,               -- dbt | junit | bundle
  source_digest TEXT NOT NULL,
  imported_at  TEXT NOT NULL,
  imported_by  TEXT NOT NULL,
  checks       TEXT NOT NULL                -- JSON array of QualityCheck
);
CREATE INDEX quality_import_by_snapshot ON quality_import (snapshot_id);

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
CREATE INDEX contract_by_dataset ON contract (tenant_id, dataset_id, applied_at);

CREATE TABLE policy_pack (
  digest    TEXT NOT NULL PRIMARY KEY,
  name      TEXT NOT NULL,
  version   TEXT NOT NULL,
  source    TEXT NOT NULL,                  -- the YAML, byte for byte
  stored_at TEXT NOT NULL
) WITHOUT ROWID;

-- The active set of packs, as a history; policy_rev is the digest of the set.
CREATE TABLE policy_activation (
  activation   INTEGER PRIMARY KEY,
  policy_rev   TEXT NOT NULL,
  packs        TEXT NOT NULL,               -- JSON array of {name, version, digest}
  activated_at TEXT NOT NULL,
  activated_by TEXT NOT NULL
);

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
CREATE INDEX hold_open ON hold (tenant_id, dataset_id, layer) WHERE lifted_at IS NULL;

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
CREATE INDEX pending_audit_open ON pending_audit (tenant_id, dataset_id, layer, due_at) WHERE closed_at IS NULL;

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

-- A signed URL's jti, once it was used: the insert is the single use.
CREATE TABLE capability_use (
  jti        TEXT NOT NULL PRIMARY KEY,
  ref        TEXT NOT NULL,
  actor_id   TEXT NOT NULL,
  used_at    TEXT NOT NULL,
  expires_at TEXT NOT NULL
) WITHOUT ROWID;
