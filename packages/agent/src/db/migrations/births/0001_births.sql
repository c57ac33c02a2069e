-- Births have a database file and a writer of their own: they go on while governance is broken, locked or out of disk.
-- breaking: false
-- Nothing here refers to governance, and governance only ever reads it. Ids are contiguous (AUTOINCREMENT, and the writer never
-- burns one), so a missing id is a row that somebody removed, not a guess.

-- Admission: what was born, under which permit. The truth that the changelog is checked against.
CREATE TABLE birth_registry (
  birth_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  object_key  TEXT NOT NULL,
  object_type TEXT NOT NULL,
  born_at     TEXT NOT NULL,                -- RFC 3339 UTC with exactly six decimals, so that text order is time order
  permit_id   TEXT NOT NULL,
  payload     TEXT                          -- JSON object of the producer, kept as it came
);
CREATE UNIQUE INDEX birth_registry_once ON birth_registry (object_key, born_at);

-- The durable tail, in the order things happened: a birth stands here too.
CREATE TABLE registry_changelog (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  object_key TEXT NOT NULL,
  change     TEXT NOT NULL CHECK (change IN ('BORN', 'CHANGED', 'RETIRED')),
  born_at    TEXT NOT NULL,                 -- when this change happened
  payload    TEXT
);
CREATE UNIQUE INDEX registry_changelog_once ON registry_changelog (object_key, born_at, change);

-- No permit, no birth: the only thing that blocks creation.
CREATE TABLE birth_permit (
  permit_id   TEXT NOT NULL PRIMARY KEY,
  kind        TEXT NOT NULL CHECK (kind IN ('single', 'bulk')),
  object_key  TEXT,                         -- single: the one object it admits
  object_type TEXT,
  max_births  INTEGER,                      -- bulk: null is no limit
  birth_count INTEGER NOT NULL DEFAULT 0,
  reason      TEXT NOT NULL,
  issued_at   TEXT NOT NULL,
  issued_by   TEXT NOT NULL,
  expires_at  TEXT,
  used_at     TEXT,                         -- single: the birth that used it up
  CHECK ((kind = 'single') = (object_key IS NOT NULL AND object_type IS NOT NULL))
) WITHOUT ROWID;
