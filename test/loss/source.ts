import type { PostgresAccess } from '../postgres/server.ts';

/** Where the birth tables of the harness are. They have the shape of the product's, and belong to somebody else: nobody adds to them. */
export const source = 'births';

/**
 * The trigger stands for everything that keeps a statement between the draw of its ids and the row: foreign keys, triggers, a slow disk.
 * How long is in the payload.
 */
const tables = `
CREATE SCHEMA ${source};
CREATE TABLE ${source}.birth_registry (
  birth_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  object_key  text COLLATE "C" NOT NULL,
  object_type text COLLATE "C" NOT NULL,
  born_at     text COLLATE "C" NOT NULL,
  permit_id   text COLLATE "C" NOT NULL,
  payload     text COLLATE "C"
);
CREATE UNIQUE INDEX birth_registry_once ON ${source}.birth_registry (object_key, born_at);
CREATE TABLE ${source}.registry_changelog (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  object_key text COLLATE "C" NOT NULL,
  change     text COLLATE "C" NOT NULL CHECK (change IN ('BORN', 'CHANGED', 'RETIRED')),
  born_at    text COLLATE "C" NOT NULL,
  payload    text COLLATE "C"
);
CREATE UNIQUE INDEX registry_changelog_once ON ${source}.registry_changelog (object_key, born_at, change);
CREATE FUNCTION ${source}.hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.payload IS NOT NULL THEN PERFORM pg_sleep((NEW.payload::json ->> 'delay_ms')::float / 1000); END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hold BEFORE INSERT ON ${source}.birth_registry FOR EACH ROW EXECUTE FUNCTION ${source}.hold();
CREATE TRIGGER hold BEFORE INSERT ON ${source}.registry_changelog FOR EACH ROW EXECUTE FUNCTION ${source}.hold();
CREATE TABLE public.unrelated (n int);
`;

export async function makeSource(server: PostgresAccess, database: string): Promise<void> {
  await server.query(tables, [], database);
}

/** A row of the changelog as it stands there in the end, which is what was committed, whatever a writer was told. */
export type TrueRow = {
  readonly id: number;
  readonly object_key: string;
  readonly change: 'BORN' | 'CHANGED' | 'RETIRED';
  readonly born_at: string;
  readonly xid: string;
  /** Milliseconds of the server's clock. */
  readonly committed_at: number;
};

/** All rows, when no transaction is open any more. Needs track_commit_timestamp. */
export async function readTruth(server: PostgresAccess, database: string): Promise<TrueRow[]> {
  return await server.query<TrueRow>(
    `SELECT id::float8, object_key, change, born_at, xmin::text AS xid,
       (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS committed_at
     FROM ${source}.registry_changelog ORDER BY id`,
    [],
    database,
  );
}
