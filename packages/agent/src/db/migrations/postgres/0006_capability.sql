-- Signed URLs that were made: they can be listed and taken back before they end, and what a use may continue is counted.
-- breaking: false

-- One row a capability, committed with the record of its resolution and before the capability exists. Forgotten after it ended.
CREATE TABLE capability (
  jti            text COLLATE "C" NOT NULL PRIMARY KEY,
  ref            text COLLATE "C" NOT NULL, -- what it opens
  tenant_id      text COLLATE "C" NOT NULL, -- whose that is
  dataset_id     text COLLATE "C",
  actor_id       text COLLATE "C" NOT NULL, -- who asked for it
  resolution_ref text COLLATE "C" NOT NULL, -- the ref-resolution record
  issued_at      text COLLATE "C" NOT NULL,
  expires_at     text COLLATE "C" NOT NULL,
  revoked_at     text COLLATE "C",
  revoked_by     text COLLATE "C"
);
CREATE INDEX capability_by_end ON capability (expires_at);

-- How often a broken download was continued.
ALTER TABLE capability_use ADD COLUMN resumed bigint NOT NULL DEFAULT 0;
CREATE INDEX capability_use_by_end ON capability_use (expires_at);
