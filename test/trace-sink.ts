import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Deployment } from './harness.ts';

/** In the words of the database that cannot write a trace. */
export const traceFault = 'the disk of traces is full';

const onSqlite = {
  break: (table: string) => `CREATE TRIGGER broken_${table} BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, '${traceFault}'); END`,
  mend: (table: string) => `DROP TRIGGER broken_${table}`,
};
const onPostgres = {
  break: (
    table: string,
  ) => `CREATE FUNCTION broken_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${traceFault}'; END $$;
    CREATE TRIGGER broken BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION broken_${table}()`,
  mend: (table: string) => `DROP FUNCTION broken_${table} CASCADE`,
};

/** From now on nothing can be added to a table, or again: by default no trace. */
export async function traceSink(at: Deployment, what: 'break' | 'mend', table = 'run_trace'): Promise<void> {
  if (at.postgres !== undefined) return void (await at.rows('govd', onPostgres[what](table)));
  const database = new Database(join(at.state, 'govd.db'));
  database.exec(onSqlite[what](table));
  database.close();
}
