import { Problem } from '@govctl/core/api';
import type { GovdConfig, PostgresConfig } from '@govctl/core/config';
import {
  connectPostgres,
  grantBirths,
  grantDaemon,
  type Migration,
  type MigrationState,
  migratePostgres,
  PostgresSession,
  postgresBirthsMigrations,
  postgresMigrationState,
  postgresMigrations,
  postgresSettings,
  unreachable,
} from '../db/index.ts';

export type SchemaChange = { readonly name: string; readonly before: MigrationState; readonly after: MigrationState };

type Part = {
  readonly schema: string;
  readonly migrations: readonly Migration[];
  readonly grant: (session: PostgresSession, schema: string, role: string) => Promise<void>;
};

function partsOf({ handoff }: GovdConfig, postgres: PostgresConfig): readonly Part[] {
  const own = { schema: postgres.schema, migrations: postgresMigrations, grant: grantDaemon };
  const births = { schema: handoff.births_schema, migrations: postgresBirthsMigrations, grant: grantBirths };
  // Attached birth tables are somebody else's: nothing is made, granted or changed there.
  return handoff.attach === undefined ? [own, births] : [own];
}

/** Runs work on a session of the owner of the tables. @throws Problem `usage` when the configuration names none */
export async function asOwner<T>(postgres: PostgresConfig, root: string, work: (session: PostgresSession) => Promise<T>): Promise<T> {
  const { owner } = postgres;
  if (owner === undefined)
    throw new Problem('usage', {
      detail: 'the configuration names no owner of the tables',
      hint: 'store.postgres.owner in govd.yaml: { user, password_file }',
    });
  const settings = postgresSettings(postgres, root, owner);
  const session = new PostgresSession(() => connectPostgres(settings, { purpose: 'migrate', mode: 'write', patient: true }));
  try {
    return await work(session);
  } catch (error) {
    throw unreachable(error);
  } finally {
    await session.close();
  }
}

/** Brings the schemas to this program, and grants the daemon's role what it needs; with `check` only looks. */
export async function migrateSchemas(
  config: GovdConfig,
  postgres: PostgresConfig,
  root: string,
  options: { readonly check: boolean; readonly now: () => string },
): Promise<readonly SchemaChange[]> {
  return await asOwner(postgres, root, async (session) => {
    const changes: SchemaChange[] = [];
    for (const { schema, migrations, grant } of partsOf(config, postgres)) {
      const before = await postgresMigrationState(session, schema, migrations);
      const after = options.check ? before : await migratePostgres(session, schema, migrations, options.now);
      if (!options.check) await grant(session, schema, postgres.user);
      changes.push({ name: `schema ${schema}`, before, after });
    }
    return changes;
  });
}
