-- The end of payloads: what may be erased under a retention rule is on record first, and nothing else can be erased.
-- breaking: false

-- One row a disposition. Neither it nor its list ever changes: how far the erasing is, the payloads themselves say.
CREATE TABLE disposition (
  number         bigint PRIMARY KEY,
  disposition_id text COLLATE "C" NOT NULL UNIQUE,
  rule           text COLLATE "C" NOT NULL,
  records        bigint NOT NULL,
  bytes          bigint NOT NULL,
  refs_digest    text COLLATE "C" NOT NULL,             -- JCS digest of the refs, in the order of the log
  evidence_ref   text COLLATE "C" NOT NULL,             -- the record that announced it
  reason         text COLLATE "C" NOT NULL,
  announced_at   text COLLATE "C" NOT NULL,
  announced_by   text COLLATE "C" NOT NULL
);

-- A payload is erased once, so it is on one list.
CREATE TABLE disposition_item (
  leaf_index     bigint PRIMARY KEY,
  disposition_id text COLLATE "C" NOT NULL
);
CREATE INDEX disposition_item_by_disposition ON disposition_item (disposition_id, leaf_index);

-- The daemon may delete payloads, and these say which. Tables are named with the schema of the trigger's own: whoever can make
-- temporary tables cannot put others in their place. Neither the triggers nor the function belong to the daemon's role.
CREATE FUNCTION only_disposed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  disposed boolean;
BEGIN
  EXECUTE format(
    'SELECT EXISTS (SELECT 1 FROM %1$I.disposition_item i JOIN %1$I.disposition d ON d.disposition_id = i.disposition_id
        JOIN %1$I.record a ON a.ref = d.evidence_ref WHERE i.leaf_index = $1)
       AND NOT EXISTS (SELECT 1 FROM %1$I.record r JOIN %1$I.hold h ON h.tenant_id = r.tenant_id AND h.dataset_id = r.dataset_id
        WHERE r.leaf_index = $1 AND h.lifted_at IS NULL)', TG_TABLE_SCHEMA)
    INTO disposed USING OLD.leaf_index;
  IF disposed THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'a payload is erased under a recorded disposition only, and not on hold (leaf %)', OLD.leaf_index;
END
$$;
CREATE TRIGGER record_payload_disposed BEFORE DELETE ON record_payload FOR EACH ROW EXECUTE FUNCTION only_disposed();
CREATE TRIGGER decision_facts_disposed BEFORE DELETE ON decision_facts FOR EACH ROW EXECUTE FUNCTION only_disposed();
