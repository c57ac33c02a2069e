-- The governance side of the handoff: candidates, captured and emitted events, authorizations, cursors.
-- breaking: false
-- Nothing here refers to the birth tables, and nothing is ever made on or in them.

CREATE TABLE event_type_registry (
  event_type   text COLLATE "C" NOT NULL PRIMARY KEY,
  active       bigint NOT NULL CHECK (active IN (0, 1)),
  changed_at   text COLLATE "C",
  changed_by   text COLLATE "C"
);
INSERT INTO event_type_registry (event_type, active) VALUES ('handoff.object_born', 0);

-- One row an object, ever. Rows of the sources become visible in any order, so every column is a maximum or follows from one.
CREATE TABLE governance_candidate_state (
  object_key    text COLLATE "C" NOT NULL PRIMARY KEY,
  object_type   text COLLATE "C",            -- null while only a changelog that does not tell types has spoken of it
  type_born_at  text COLLATE "C",            -- the birth that told the type: an older one that comes later does not change it
  state         text COLLATE "C" NOT NULL CHECK (state IN ('captured', 'activated')),
  dirty         bigint NOT NULL CHECK (dirty IN (0, 1)),
  born_at       text COLLATE "C",            -- newest birth; null while no birth was seen
  retired_at    text COLLATE "C",            -- newest retirement; retired while it is not older than born_at
  changelog_id  bigint NOT NULL,             -- newest changelog row applied to it
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

-- One row a source and shard. A batch commits only if its fence is still the row's and its lease has not run out.
CREATE TABLE handoff_cursor (
  source           text COLLATE "C" NOT NULL, -- birth_registry | registry_changelog
  shard            bigint NOT NULL,
  low_water        bigint NOT NULL,           -- every row up to this id was applied, and none can still appear
  seen             int8multirange NOT NULL DEFAULT '{}', -- ids above the low water that were applied already
  settled_upto     bigint NOT NULL DEFAULT 0, -- the highest low water ever: what comes again below it is no news
  applied_rows     bigint NOT NULL DEFAULT 0, -- grows with every row applied: whether anything moved since it was read
  audited_upto     bigint NOT NULL,           -- every birth up to this id was proved to have its candidate and its event
  next_id          bigint,                    -- a row that was visible and not read yet: where it is gone, rows were removed unread
  source_files     text COLLATE "C",          -- the files of the source table: others after a TRUNCATE
  source_epoch     text COLLATE "C",          -- system identifier and timeline of the server this was read from
  fence            bigint NOT NULL,
  holder           text COLLATE "C",
  lease_until      timestamptz,               -- by this server's clock
  fence_ceiling    bigint,                    -- the id that is being settled ...
  fence_writers    text[],                    -- ... once these transactions have ended
  fence_since      text COLLATE "C",
  blocker          text COLLATE "C",          -- who keeps the low water from being settled, when that lasts
  last_poll_at     text COLLATE "C",          -- the loop is cycling
  last_progress_at text COLLATE "C",          -- it applied something
  last_settled_at  text COLLATE "C",          -- nothing visible was left to read
  stale_since      text COLLATE "C",          -- handoff.stale was said, handoff.recovered not yet
  alarm            text COLLATE "C",          -- JSON {coverage, detail, raised_at}, until an operator resumes
  PRIMARY KEY (source, shard)
) WITH (fillfactor = 50);
INSERT INTO handoff_cursor (source, shard, low_water, audited_upto, fence) VALUES
  ('birth_registry', 0, 0, 0, 0), ('registry_changelog', 0, 0, 0, 0);

-- Rows that cannot be applied. They stop only their own key and count as lag until retried or discarded.
CREATE TABLE handoff_quarantine (
  source        text COLLATE "C" NOT NULL,
  id            bigint NOT NULL,
  object_key    text COLLATE "C",
  "row"         text COLLATE "C" NOT NULL,    -- JSON of the row as it was read
  error         text COLLATE "C" NOT NULL,
  attempts      bigint NOT NULL,
  first_seen_at text COLLATE "C" NOT NULL,
  resolved_at   text COLLATE "C",
  resolved_by   text COLLATE "C",
  resolution    text COLLATE "C",
  PRIMARY KEY (source, id)
);
CREATE INDEX handoff_quarantine_open ON handoff_quarantine (object_key) WHERE resolved_at IS NULL;
