-- What witnesses said of the log, and which payloads were erased under a retention policy.
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

-- One row a leaf whose payload was erased: under which record. The leaf, and with it every proof, stays.
CREATE TABLE disposition (
  leaf_index  INTEGER PRIMARY KEY,
  ref         TEXT NOT NULL,
  disposed_at TEXT NOT NULL
);

CREATE TRIGGER log_cosignature_no_update BEFORE UPDATE ON log_cosignature BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_cosignature_no_delete BEFORE DELETE ON log_cosignature BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_witnessed_no_update BEFORE UPDATE ON log_witnessed BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER log_witnessed_no_delete BEFORE DELETE ON log_witnessed BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER disposition_no_update BEFORE UPDATE ON disposition BEGIN SELECT RAISE(ABORT, 'dispositions stay'); END;
CREATE TRIGGER disposition_no_delete BEFORE DELETE ON disposition BEGIN SELECT RAISE(ABORT, 'dispositions stay'); END;
-- A payload goes only with a disposition beside it.
CREATE TRIGGER record_payload_no_delete BEFORE DELETE ON record_payload
  WHEN NOT EXISTS (SELECT 1 FROM disposition WHERE leaf_index = OLD.leaf_index) BEGIN SELECT RAISE(ABORT, 'a payload goes under a disposition only'); END;
CREATE TRIGGER record_payload_no_update BEFORE UPDATE ON record_payload BEGIN SELECT RAISE(ABORT, 'a payload never changes'); END;
