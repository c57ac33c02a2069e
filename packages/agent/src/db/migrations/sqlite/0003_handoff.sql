-- The governance side of the handoff: candidates, captured and emitted events, authorizations, cursors.
-- breaking: false
-- Every row of the tail lands in two trees (candidate, and pending or emitted), both in key order: few indexes on purpose.

CREATE TABLE event_type_registry (
  event_type   TEXT NOT NULL PRIMARY KEY,
  active       INTEGER NOT NULL CHECK (active IN (0, 1)),
  changed_at   TEXT,
  changed_by   TEXT
) WITHOUT ROWID;
INSERT INTO event_type_registry (event_type, active) VALUES ('handoff.object_born', 0);

-- One row an object, ever. `changelog_id` is the newest changelog row applied to it: what makes a second run of a range change nothing.
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

-- Captured while the event type is inactive. The key is the proof against doubles; its order is the order of delivery.
CREATE TABLE event_pending (
  event_type  TEXT NOT NULL,
  object_key  TEXT NOT NULL,
  born_at     TEXT NOT NULL,
  captured_at TEXT NOT NULL,
  PRIMARY KEY (event_type, object_key, born_at)
) WITHOUT ROWID;

-- What was handed to the outbox, for ever: the outbox is pruned after delivery, this memory is not.
CREATE TABLE handoff_emitted (
  event_type TEXT NOT NULL,
  object_key TEXT NOT NULL,
  born_at    TEXT NOT NULL,
  emitted_at TEXT NOT NULL,
  PRIMARY KEY (event_type, object_key, born_at)
) WITHOUT ROWID;

-- OSPA. None means nothing is activated.
CREATE TABLE governance_build_authorization (
  authorization_id TEXT NOT NULL PRIMARY KEY,
  scope            TEXT NOT NULL,
  reason           TEXT NOT NULL,
  authorized_by    TEXT NOT NULL CHECK (authorized_by GLOB 'HUMAN::?*'),
  authorized_at    TEXT NOT NULL,
  evidence_ref     TEXT NOT NULL
) WITHOUT ROWID;

-- One row a source and shard. A batch commits only if its fence is still the row's.
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
  alarm            TEXT,                    -- JSON {coverage, detail, raised_at}: pruned or drift, until an operator resumes
  PRIMARY KEY (source, shard)
) WITHOUT ROWID;
INSERT INTO handoff_cursor (source, shard, low_water, audited_upto, fence) VALUES
  ('birth_registry', 0, 0, 0, 0), ('registry_changelog', 0, 0, 0, 0);

-- Rows that cannot be applied. They stop only their own key and count as lag until retried or discarded.
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
  resolution    TEXT,
  PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE INDEX handoff_quarantine_open ON handoff_quarantine (object_key) WHERE resolved_at IS NULL;
