-- What witnesses said of the log.
-- breaking: false

-- The first cosignature of each witness over each tree it was shown: what evidence carries never changes.
CREATE TABLE log_cosignature (
  size        bigint NOT NULL,
  witness     text COLLATE "C" NOT NULL,   -- name of its key
  line        text COLLATE "C" NOT NULL,   -- a signature line of the signed note
  cosigned_at text COLLATE "C" NOT NULL,   -- the witness's own word
  PRIMARY KEY (size, witness)
);

-- Trees that enough witnesses cosigned.
CREATE TABLE log_witnessed (
  size         bigint PRIMARY KEY,
  quorum       bigint NOT NULL,
  witnessed_at text COLLATE "C" NOT NULL
);

-- The newest word of each witness; asked again even when nothing grew, so that a frozen view shows.
CREATE TABLE log_witness (
  witness     text COLLATE "C" NOT NULL PRIMARY KEY,
  size        bigint NOT NULL,
  line        text COLLATE "C" NOT NULL,
  cosigned_at text COLLATE "C" NOT NULL
);
