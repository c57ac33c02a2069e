-- Ranges of the birth sources that an operator has run again, and which permits the evidence log knows of.
-- breaking: false
-- A replay has a checkpoint of its own (position); the cursors of the tail are never moved by it.

CREATE TABLE handoff_replay (
  replay_id         text COLLATE "C" NOT NULL PRIMARY KEY,
  source            text COLLATE "C" NOT NULL CHECK (source IN ('birth_registry', 'registry_changelog')),
  from_id           bigint NOT NULL,
  to_id             bigint NOT NULL,
  object_key        text COLLATE "C", -- only rows of this object; null is all
  rate              bigint, -- rows a second at most; null is no bound
  reason            text COLLATE "C",
  status            text COLLATE "C" NOT NULL CHECK (status IN ('running', 'complete', 'stopped')),
  position          bigint NOT NULL, -- every row up to this id was run again
  rows_total        bigint NOT NULL, -- rows of the range when it was started
  rows_read         bigint NOT NULL DEFAULT 0,
  mended_candidates bigint NOT NULL DEFAULT 0, -- births that had no candidate
  mended_events     bigint NOT NULL DEFAULT 0, -- births that had neither an event nor a captured one
  mended_changes    bigint NOT NULL DEFAULT 0, -- changes and retirements that had not been applied
  held_rows         bigint NOT NULL DEFAULT 0, -- rows that stand in the quarantine, and stay there
  started_at        text COLLATE "C" NOT NULL,
  started_by        text COLLATE "C" NOT NULL,
  authenticated_by  text COLLATE "C" NOT NULL,
  last_batch_at     text COLLATE "C",
  ended_at          text COLLATE "C",
  ended_by          text COLLATE "C",
  evidence_ref      text COLLATE "C" NOT NULL, -- the record of its start
  ended_ref         text COLLATE "C" -- the record of its end
);
CREATE INDEX handoff_replay_running ON handoff_replay (started_at, replay_id) WHERE status = 'running';

-- Births are written where governance cannot be; so a permit is recorded after it was issued, by the daemon that issued it or by any later.
CREATE TABLE birth_permit_record (
  permit_id    text COLLATE "C" NOT NULL PRIMARY KEY,
  evidence_ref text COLLATE "C" NOT NULL,
  recorded_at  text COLLATE "C" NOT NULL
);
