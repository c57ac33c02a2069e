-- Signed URLs that were made: they can be listed and taken back before they end, and what a use may continue is counted.
-- breaking: false

-- One row a capability, committed with the record of its resolution and before the capability exists. Forgotten after it ended.
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
CREATE INDEX capability_by_end ON capability (expires_at);

-- How often a broken download was continued.
ALTER TABLE capability_use ADD COLUMN resumed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX capability_use_by_end ON capability_use (expires_at);
