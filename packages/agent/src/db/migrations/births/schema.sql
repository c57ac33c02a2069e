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
  used_at     TEXT, seal TEXT, revoked_at TEXT, revoked_by TEXT, revoke_reason TEXT,                         -- single: the birth that used it up
  CHECK ((kind = 'single') = (object_key IS NOT NULL AND object_type IS NOT NULL))
) WITHOUT ROWID;

CREATE TABLE birth_registry (
  birth_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  object_key  TEXT NOT NULL,
  object_type TEXT NOT NULL,
  born_at     TEXT NOT NULL,                -- RFC 3339 UTC with exactly six decimals, so that text order is time order
  permit_id   TEXT NOT NULL,
  payload     TEXT                          -- JSON object of the producer, kept as it came
);

CREATE TABLE registry_changelog (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  object_key TEXT NOT NULL,
  change     TEXT NOT NULL CHECK (change IN ('BORN', 'CHANGED', 'RETIRED')),
  born_at    TEXT NOT NULL,                 -- when this change happened
  payload    TEXT
);

CREATE TABLE schema_migration (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, breaking INTEGER NOT NULL, applied_at TEXT NOT NULL
);

CREATE UNIQUE INDEX birth_registry_once ON birth_registry (object_key, born_at);

CREATE UNIQUE INDEX registry_changelog_once ON registry_changelog (object_key, born_at, change);
