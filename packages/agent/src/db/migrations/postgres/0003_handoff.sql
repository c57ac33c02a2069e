-- The governance side of the handoff: candidates, captured and emitted events, authorizations, cursors.
-- breaking: false
-- Every row of the tail lands in two trees (candidate, and pending or emitted), both in key order: few indexes on purpose.

CREATE TABLE event_type_registry (
  event_type   text COLLATE "C" NOT NULL PRIMARY KEY,
  active       bigint NOT NULL CHECK (active IN (0, 1)),
  changed_at   text COLLATE "C",
  changed_by   text COLLATE "C"
);
INSERT INTO event_type_registry (event_type, active) VALUES ('handoff.object_born', 0);

-- One row an object, ever. `changelog_id` is the newest changelog row applied to it: what makes a second run of a range change nothing.
CREATE TABLE governance_candidate_state (
  object_key    text COLLATE "C" NOT NULL PRIMARY KEY,
  object_type   text COLLATE "C",                       -- null while only a changelog that does not tell types has spoken of it
  state         text COLLATE "C" NOT NULL CHECK (state IN ('captured', 'activated')),
  dirty         bigint NOT NULL CHECK (dirty IN (0, 1)),
  born_at       text COLLATE "C",                       -- newest birth; null while no birth was seen
  retired_at    text COLLATE "C",                       -- newest retirement; retired while it is not older than born_at
  changelog_id  bigint NOT NULL,
  first_seen_at text COLLATE "C" NOT NULL,
  last_seen_at  text COLLATE "C" NOT NULL,
  activated_at  text COLLATE "C",
  decision_ref  text COLLATE "C"
);

-- Captured while the event type is inactive. The key is the proof against doubles; its order is the order of delivery.
CREATE TABLE event_pending (
  event_type  text COLLATE "C" NOT NULL,
  object_key  text COLLATE "C" NOT NULL,
  born_at     text COLLATE "C" NOT NULL,
  captured_at text COLLATE "C" NOT NULL,
  PRIMARY KEY (event_type, object_key, born_at)
);

-- What was handed to the outbox, for ever: the outbox is pruned after delivery, this memory is not.
CREATE TABLE handoff_emitted (
  event_type text COLLATE "C" NOT NULL,
  object_key text COLLATE "C" NOT NULL,
  born_at    text COLLATE "C" NOT NULL,
  emitted_at text COLLATE "C" NOT NULL,
  PRIMARY KEY (event_type, object_key, born_at)
);

-- OSPA. None means nothing is activated.
CREATE TABLE governance_build_authorization (
  authorization_id text COLLATE "C" NOT NULL PRIMARY KEY,
  scope            text COLLATE "C" NOT NULL,
  reason           text COLLATE "C" NOT NULL,
  authorized_by    text COLLATE "C" NOT NULL CHECK (authorized_by LIKE 'HUMAN::_%'),
  authorized_at    text COLLATE "C" NOT NULL,
  evidence_ref     text COLLATE "C" NOT NULL
);

-- One row a source and shard. A batch commits only if its fence is still the row's.
CREATE TABLE handoff_cursor (
  source           text COLLATE "C" NOT NULL,           -- birth_registry | registry_changelog
  shard            bigint NOT NULL,
  low_water        bigint NOT NULL,        -- every row up to this id was applied
  audited_upto     bigint NOT NULL,        -- every birth up to this id was proved to have its candidate and its event
  walk_low         bigint,                 -- a large backlog is walked in key order: the ids above this; null when none is
  walk_upto        bigint,                 -- ... up to this id
  walk_key         bytea,                    -- ... and was, up to this key
  walk_rows        bigint NOT NULL DEFAULT 0, -- ... rows met so far: less than the ids of the range means that some were removed
  fence            bigint NOT NULL,
  holder           text COLLATE "C",
  last_poll_at     text COLLATE "C",                    -- the loop is cycling
  last_progress_at text COLLATE "C",                    -- it moved the low water
  last_settled_at  text COLLATE "C",                    -- nothing was left above the low water
  stale_since      text COLLATE "C",                    -- handoff.stale was said, handoff.recovered not yet
  alarm            text COLLATE "C",                    -- JSON {coverage, detail, raised_at}: pruned or drift, until an operator resumes
  PRIMARY KEY (source, shard)
);
INSERT INTO handoff_cursor (source, shard, low_water, audited_upto, fence) VALUES
  ('birth_registry', 0, 0, 0, 0), ('registry_changelog', 0, 0, 0, 0);

-- Rows that cannot be applied. They stop only their own key and count as lag until retried or discarded.
CREATE TABLE handoff_quarantine (
  source        text COLLATE "C" NOT NULL,
  id            bigint NOT NULL,
  object_key    text COLLATE "C",
  row           text COLLATE "C" NOT NULL,              -- JSON of the row as it was read
  error         text COLLATE "C" NOT NULL,
  attempts      bigint NOT NULL,
  first_seen_at text COLLATE "C" NOT NULL,
  resolved_at   text COLLATE "C",
  resolved_by   text COLLATE "C",
  resolution    text COLLATE "C",
  PRIMARY KEY (source, id)
);
CREATE INDEX handoff_quarantine_open ON handoff_quarantine (object_key) WHERE resolved_at IS NULL;
