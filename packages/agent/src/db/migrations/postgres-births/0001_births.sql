-- Births have a schema and a connection of their own: they go on while governance is broken, locked or gone.
-- breaking: false
-- Nothing here refers to governance, and governance only ever reads it. Ids come from sequences and become visible in any order; the
-- tail knows. CACHE 1, because a session that keeps ids in reserve would use them long after they were given out.

-- Admission: what was born, under which permit. The truth that the changelog is checked against.
CREATE TABLE birth_registry (
  birth_id    bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
  object_key  text COLLATE "C" NOT NULL,
  object_type text COLLATE "C" NOT NULL,
  born_at     text COLLATE "C" NOT NULL,      -- RFC 3339 UTC with exactly six decimals, so that text order is time order
  permit_id   text COLLATE "C" NOT NULL,
  payload     text COLLATE "C"                -- JSON object of the producer, kept as it came
);
CREATE UNIQUE INDEX birth_registry_once ON birth_registry (object_key, born_at);

-- The durable tail: a birth stands here too.
CREATE TABLE registry_changelog (
  id         bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
  object_key text COLLATE "C" NOT NULL,
  change     text COLLATE "C" NOT NULL CHECK (change IN ('BORN', 'CHANGED', 'RETIRED')),
  born_at    text COLLATE "C" NOT NULL,       -- when this change happened
  payload    text COLLATE "C"
);
CREATE UNIQUE INDEX registry_changelog_once ON registry_changelog (object_key, born_at, change);

-- No permit, no birth: the only thing that blocks creation.
CREATE TABLE birth_permit (
  permit_id   text COLLATE "C" NOT NULL PRIMARY KEY,
  kind        text COLLATE "C" NOT NULL CHECK (kind IN ('single', 'bulk')),
  object_key  text COLLATE "C",               -- single: the one object it admits
  object_type text COLLATE "C",
  max_births  bigint,                         -- bulk: null is no limit
  birth_count bigint NOT NULL DEFAULT 0,
  reason      text COLLATE "C" NOT NULL,
  issued_at   text COLLATE "C" NOT NULL,
  issued_by   text COLLATE "C" NOT NULL,
  expires_at  text COLLATE "C",
  used_at     text COLLATE "C",               -- single: the birth that used it up
  CHECK ((kind = 'single') = (object_key IS NOT NULL AND object_type IS NOT NULL))
);
