import { Problem } from '@govctl/core/api';
import { type Applied, judgeApplied, type Migration, type MigrationState, migrationDigest } from '../migration.ts';
import { birthsRights, logTables, tableRights } from './grant.ts';
import type { PostgresRun, PostgresSession } from './session.ts';

/** Key of the advisory lock: two hosts that migrate at once do it one after the other. */
const migrationLock = 1_735_359_844;

const ledger = `CREATE TABLE IF NOT EXISTS schema_migration (
  number bigint PRIMARY KEY, name text NOT NULL, digest text NOT NULL, breaking smallint NOT NULL, applied_at text NOT NULL
)`;

/** An identifier of a configuration as SQL text. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

async function applied(run: PostgresRun, schema: string): Promise<readonly Applied[]> {
  const { rows } = await run<{ known: string | null }>('SELECT to_regclass(:name)::text AS known', {
    name: `${quoted(schema)}.schema_migration`,
  });
  if (rows[0]?.known == null) return [];
  const done = await run<Applied>(`SELECT number, name, digest, breaking FROM ${quoted(schema)}.schema_migration ORDER BY number`);
  return done.rows;
}

/**
 * What the database has against what this program knows.
 * @throws Problem `unavailable` when it went through a newer breaking migration, or history was edited
 */
export async function postgresMigrationState(
  session: PostgresSession,
  schema: string,
  migrations: readonly Migration[],
): Promise<MigrationState> {
  return judgeApplied(await session.transaction((run) => applied(run, schema)), migrations);
}

/**
 * Brings a schema to this program's migrations, as its owner: everything in one transaction, so a crash leaves the old schema or the
 * new one. The schema is made when it is not there.
 */
export async function migratePostgres(
  session: PostgresSession,
  schema: string,
  migrations: readonly Migration[],
  now: () => string,
): Promise<MigrationState> {
  return await session.transaction(async (run) => {
    await run(`SELECT pg_advisory_xact_lock(${migrationLock})`);
    await run(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
    await run(`SET LOCAL search_path = ${quoted(schema)}, pg_temp`);
    await run(ledger);
    const before = judgeApplied(await applied(run, schema), migrations);
    for (const migration of migrations) {
      if (!before.pending.includes(migration.name)) continue;
      await run(migration.sql);
      await run(
        'INSERT INTO schema_migration (number, name, digest, breaking, applied_at) VALUES (:number, :name, :digest, :breaking, :at)',
        {
          number: migration.number,
          name: migration.name,
          digest: migrationDigest(migration),
          breaking: migration.breaking ? 1 : 0,
          at: now(),
        },
      );
    }
    return judgeApplied(await applied(run, schema), migrations);
  });
}

/**
 * Gives the daemon's role what it needs and nothing more; rights it had besides are taken back.
 * @throws Problem `unavailable` when the role is not there, or owns the tables (an owner cannot be kept from anything)
 */
export async function grantDaemon(session: PostgresSession, schema: string, role: string): Promise<void> {
  await grant(session, schema, role, tableRights);
}

/**
 * The same for the embedded birth tables.
 * @throws Problem `unavailable`, see `grantDaemon`
 */
export async function grantBirths(session: PostgresSession, schema: string, role: string): Promise<void> {
  await grant(session, schema, role, birthsRights);
}

async function grant(session: PostgresSession, schema: string, role: string, all: Readonly<Record<string, string>>): Promise<void> {
  await session.transaction(async (run) => {
    const { rows } = await run<{ known: boolean; owner: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :role) AS known,
         :role = current_user OR coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = :role), false) AS owner`,
      { role },
    );
    const [found] = rows;
    if (found?.known !== true)
      throw new Problem('unavailable', {
        detail: `the role ${role} of the daemon does not exist`,
        hint: `CREATE ROLE ${quoted(role)} LOGIN PASSWORD '...'`,
      });
    if (found.owner)
      throw new Problem('unavailable', {
        detail: `the role ${role} of the daemon is the owner of the tables or a superuser: nothing could keep it from changing the log`,
        hint: 'two roles: store.postgres.user for the daemon, store.postgres.owner for: govd migrate --state-dir D',
      });
    const to = quoted(role);
    await run(`GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${to}`);
    for (const [table, rights] of Object.entries(all)) {
      await run(`REVOKE ALL ON ${quoted(schema)}.${quoted(table)} FROM PUBLIC, ${to}`);
      await run(`GRANT ${rights} ON ${quoted(schema)}.${quoted(table)} TO ${to}`);
    }
  });
}

/**
 * The daemon's own look at its role, before anything is served.
 * @throws Problem `unavailable` when the role could change or empty the log
 */
export async function requireLeastPrivilege(session: PostgresSession, schema: string): Promise<void> {
  // One column is enough to change the log; and a member of the owner becomes the owner when it likes, whether it inherits or not.
  const { rows } = await session.run<{ who: string; able: string | null }>(
    `SELECT current_user::text AS who, string_agg(c.relname::text, ', ' ORDER BY c.relname) AS able
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = :schema AND c.relname = ANY (string_to_array(:tables, ','))
       AND (has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(c.oid, 'UPDATE') OR pg_has_role(c.relowner, 'MEMBER'))`,
    { tables: logTables.join(','), schema },
  );
  const [row] = rows;
  if (row?.able == null) return;
  throw new Problem('unavailable', {
    detail: `PostgreSQL is refused: the role ${row.who} may change or empty ${row.able}, and the evidence log is append-only`,
    hint: 'a role of its own for store.postgres.user, with rights that store.postgres.owner gives it: govd migrate --state-dir D',
  });
}

/**
 * Whether what is acknowledged is still there after a crash of the server: an unlogged table is emptied by one.
 * @throws Problem `unavailable` with the statements that mend it
 */
export async function requireDurable(session: PostgresSession, schema: string): Promise<void> {
  const { rows } = await session.run<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND c.relpersistence <> 'p' ORDER BY c.relname`,
    { schema },
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name);
  throw new Problem('unavailable', {
    detail: `PostgreSQL is refused: ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not logged: a crash of the server empties what was acknowledged`,
    hint: `as the owner: ${names.map((name) => `ALTER TABLE ${quoted(schema)}.${quoted(name)} SET LOGGED;`).join(' ')}`,
  });
}
