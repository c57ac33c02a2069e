-- What witnesses said of the log.
-- breaking: false

-- The first cosignature of each witness over each tree it was shown: what evidence carries never changes.
CREATE TABLE log_cosignature (
  size        INTEGER NOT NULL,
  witness     TEXT NOT NULL,               -- name of its key
  line        TEXT NOT NULL,               -- a signature line of the signed note
  cosigned_at TEXT NOT NULL,               -- the witness's own word
  PRIMARY KEY (size, witness)
) WITHOUT ROWID;

-- Trees that enough witnesses cosigned.
CREATE TABLE log_witnessed (
  size         INTEGER PRIMARY KEY,
  quorum       INTEGER NOT NULL,
  witnessed_at TEXT NOT NULL
);

-- The newest word of each witness; asked again even when nothing grew, so that a frozen view shows.
CREATE TABLE log_witness (
  witness     TEXT NOT NULL PRIMARY KEY,
  size        INTEGER NOT NULL,
  line        TEXT NOT NULL,
  cosigned_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER log_cosignature_no_update BEFORE UPDATE ON log_cosignature BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_cosignature_no_delete BEFORE DELETE ON log_cosignature BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_witnessed_no_update BEFORE UPDATE ON log_witnessed BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_witnessed_no_delete BEFORE DELETE ON log_witnessed BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
