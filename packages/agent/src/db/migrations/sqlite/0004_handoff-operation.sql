-- What operators do to the handoff: retry and discard quarantined rows, pause the tail, prune the changelog; and what tells the tail
-- that a source is not the one it read any more.
-- breaking: false

ALTER TABLE handoff_quarantine ADD COLUMN waits INTEGER NOT NULL DEFAULT 0; -- 1: sound itself, behind a faulty row of its object
ALTER TABLE handoff_quarantine ADD COLUMN last_attempt_at TEXT;
ALTER TABLE handoff_quarantine ADD COLUMN retry_asked_at TEXT;              -- the tail applies it again and empties this
ALTER TABLE handoff_quarantine ADD COLUMN retry_ref TEXT;                   -- record of the newest retry that covered it
ALTER TABLE handoff_quarantine ADD COLUMN reason TEXT;                      -- why it was discarded
UPDATE handoff_quarantine SET waits = 1 WHERE error = 'waits behind a quarantined row of the same object';
CREATE INDEX handoff_quarantine_asked ON handoff_quarantine (object_key, source, id) WHERE retry_asked_at IS NOT NULL AND resolved_at IS NULL;
-- Rows that are never applied: few, and asked for whenever a source is read from its start again.
CREATE INDEX handoff_quarantine_discarded ON handoff_quarantine (source, id) WHERE resolution = 'discarded';

ALTER TABLE handoff_cursor ADD COLUMN paused_at TEXT;                       -- an operator stopped the tail; the same in every row
ALTER TABLE handoff_cursor ADD COLUMN paused_by TEXT;
ALTER TABLE handoff_cursor ADD COLUMN pause_reason TEXT;
ALTER TABLE handoff_cursor ADD COLUMN pruned_upto INTEGER NOT NULL DEFAULT 0; -- rows up to this id may be gone: we pruned them, on record
ALTER TABLE handoff_cursor ADD COLUMN anchor TEXT;                          -- JSON {id, object_key, born_at}: the newest row that was read

-- Prunes of our own changelog. Each goes on from walked_upto until finished.
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
