-- The end of payloads: what may be erased under a retention rule is on record first, and nothing else can be erased.
-- breaking: false

-- One row a disposition. Neither it nor its list ever changes: how far the erasing is, the payloads themselves say.
CREATE TABLE disposition (
  number         INTEGER PRIMARY KEY,
  disposition_id TEXT NOT NULL UNIQUE,
  rule           TEXT NOT NULL,
  records        INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  refs_digest    TEXT NOT NULL,             -- JCS digest of the refs, in the order of the log
  evidence_ref   TEXT NOT NULL,             -- the record that announced it
  reason         TEXT NOT NULL,
  announced_at   TEXT NOT NULL,
  announced_by   TEXT NOT NULL
);

-- A payload is erased once, so it is on one list.
CREATE TABLE disposition_item (
  leaf_index     INTEGER PRIMARY KEY,
  disposition_id TEXT NOT NULL
);
CREATE INDEX disposition_item_by_disposition ON disposition_item (disposition_id, leaf_index);

CREATE TRIGGER disposition_no_update BEFORE UPDATE ON disposition BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;
CREATE TRIGGER disposition_no_delete BEFORE DELETE ON disposition BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;
CREATE TRIGGER disposition_item_no_update BEFORE UPDATE ON disposition_item BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;
CREATE TRIGGER disposition_item_no_delete BEFORE DELETE ON disposition_item BEGIN SELECT RAISE(ABORT, 'a disposition never changes'); END;

CREATE TRIGGER record_payload_no_update BEFORE UPDATE ON record_payload BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER decision_facts_no_update BEFORE UPDATE ON decision_facts BEGIN SELECT RAISE(ABORT, 'the evidence log is append-only'); END;
CREATE TRIGGER record_payload_disposed BEFORE DELETE ON record_payload
WHEN NOT EXISTS (
    SELECT 1 FROM disposition_item i JOIN disposition d ON d.disposition_id = i.disposition_id JOIN record a ON a.ref = d.evidence_ref
    WHERE i.leaf_index = OLD.leaf_index)
  OR EXISTS (
    SELECT 1 FROM record r JOIN hold h ON h.tenant_id = r.tenant_id AND h.dataset_id = r.dataset_id
    WHERE r.leaf_index = OLD.leaf_index AND h.lifted_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'a payload is erased under a recorded disposition only, and not on hold'); END;
CREATE TRIGGER decision_facts_disposed BEFORE DELETE ON decision_facts
WHEN NOT EXISTS (
    SELECT 1 FROM disposition_item i JOIN disposition d ON d.disposition_id = i.disposition_id JOIN record a ON a.ref = d.evidence_ref
    WHERE i.leaf_index = OLD.leaf_index)
  OR EXISTS (
    SELECT 1 FROM record r JOIN hold h ON h.tenant_id = r.tenant_id AND h.dataset_id = r.dataset_id
    WHERE r.leaf_index = OLD.leaf_index AND h.lifted_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'facts are erased under a recorded disposition only, and not on hold'); END;
