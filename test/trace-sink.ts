import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Deployment } from './harness.ts';

/** In the words of the database that cannot write a trace. */
export const traceFault = 'the disk of traces is full';

const onSqlite = {
  break: `CREATE TRIGGER broken BEFORE INSERT ON run_trace BEGIN SELECT RAISE(ABORT, '${traceFault}'); END`,
  mend: 'DROP TRIGGER broken',
};
const onPostgres = {
  break: `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${traceFault}'; END $$;
    CREATE TRIGGER broken BEFORE INSERT ON run_trace FOR EACH ROW EXECUTE FUNCTION broken()`,
  mend: 'DROP FUNCTION broken CASCADE',
};

/** From now on no trace can be written, or again. */
export async function traceSink(at: Deployment, what: 'break' | 'mend'): Promise<void> {
  if (at.postgres !== undefined) return void (await at.rows('govd', onPostgres[what]));
  const database = new Database(join(at.state, 'govd.db'));
  database.exec(onSqlite[what]);
  database.close();
}
