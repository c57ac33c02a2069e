-- Ranges of the birth sources that an operator has run again, and which permits the evidence log knows of.
-- breaking: false
-- A replay has a checkpoint of its own (position); the cursors of the tail are never moved by it.

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
CREATE INDEX handoff_replay_running ON handoff_replay (started_at, replay_id) WHERE status = 'running';

-- Births are written where governance cannot be; so a permit is recorded after it was issued, by the daemon that issued it or by any later.
CREATE TABLE birth_permit_record (
  permit_id    TEXT NOT NULL PRIMARY KEY,
  evidence_ref TEXT NOT NULL,
  recorded_at  TEXT NOT NULL
) WITHOUT ROWID;
