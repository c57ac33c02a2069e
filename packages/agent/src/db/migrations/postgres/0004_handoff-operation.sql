-- What operators do to the handoff: retry and discard quarantined rows, pause the tail, prune the changelog; and what tells the tail
-- that a source is not the one it read any more.
-- breaking: false

ALTER TABLE handoff_quarantine ADD COLUMN waits bigint NOT NULL DEFAULT 0;          -- 1: sound itself, behind a faulty row of its object
ALTER TABLE handoff_quarantine ADD COLUMN last_attempt_at text COLLATE "C";
ALTER TABLE handoff_quarantine ADD COLUMN retry_asked_at text COLLATE "C";          -- the tail applies it again and empties this
ALTER TABLE handoff_quarantine ADD COLUMN retry_ref text COLLATE "C";               -- record of the newest retry that covered it
ALTER TABLE handoff_quarantine ADD COLUMN reason text COLLATE "C";                  -- why it was discarded
UPDATE handoff_quarantine SET waits = 1 WHERE error = 'waits behind a quarantined row of the same object';
CREATE INDEX handoff_quarantine_asked ON handoff_quarantine (object_key, source, id) WHERE retry_asked_at IS NOT NULL AND resolved_at IS NULL;
-- Rows that are never applied: few, and asked for whenever a source is read from its start again.
CREATE INDEX handoff_quarantine_discarded ON handoff_quarantine (source, id) WHERE resolution = 'discarded';

ALTER TABLE handoff_cursor ADD COLUMN paused_at text COLLATE "C";                   -- an operator stopped the tail; the same in every row
ALTER TABLE handoff_cursor ADD COLUMN paused_by text COLLATE "C";
ALTER TABLE handoff_cursor ADD COLUMN pause_reason text COLLATE "C";
ALTER TABLE handoff_cursor ADD COLUMN pruned_upto bigint NOT NULL DEFAULT 0;        -- rows up to this id may be gone: we pruned them, on record
ALTER TABLE handoff_cursor ADD COLUMN anchor text COLLATE "C";                      -- JSON {id, object_key, born_at}: the newest settled row

-- Prunes of our own changelog. Each goes on from walked_upto until finished.
CREATE TABLE handoff_prune (
  prune_id     text COLLATE "C" NOT NULL PRIMARY KEY,
  upto         bigint NOT NULL,               -- no row above this id goes
  before_at    text COLLATE "C",              -- and only changes older than this, where it is said
  planned_rows bigint NOT NULL,
  removed_rows bigint NOT NULL DEFAULT 0,
  walked_upto  bigint NOT NULL,
  reason       text COLLATE "C" NOT NULL,
  started_at   text COLLATE "C" NOT NULL,
  started_by   text COLLATE "C" NOT NULL,
  finished_at  text COLLATE "C",
  evidence_ref text COLLATE "C" NOT NULL
);
