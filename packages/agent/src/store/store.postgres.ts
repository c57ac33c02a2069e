import { Problem } from '@govctl/core/api';
import type { PostgresConfig } from '@govctl/core/config';
import type { Logger } from 'pino';
import {
  connectPostgres,
  databaseClock,
  describeFailure,
  type MigrationState,
  PostgresReader,
  PostgresSession,
  type PostgresSettings,
  postgresMigrationState,
  postgresMigrations,
  postgresSettings,
  requireDurable,
  requireLeastPrivilege,
  unreachable,
} from '../db/index.ts';
import { type BirthsPlace, openPostgresHandoff } from '../handoff/index.ts';
import { PostgresJournal } from '../journal/index.ts';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import type { Store } from './store.ts';

export type PostgresStoreOptions = {
  readonly config: PostgresConfig;
  readonly births: BirthsPlace;
  /** Relative paths of the configuration are relative to it. */
  readonly root: string;
  readonly logger: Logger;
  readonly loops: LoopWatch;
};

/** How often the clock is compared with the server's, in milliseconds. */
const clockPause = 1000;

/**
 * Opens PostgreSQL as the daemon's role. Nothing is migrated: that is the owner's, with `govd migrate`.
 *
 * @throws Problem `unavailable` when the server is refused, the schema is not this program's, or the role may change the log
 */
export async function openPostgresStore({ config, births, root, logger, loops }: PostgresStoreOptions): Promise<Store> {
  await using opened = new AsyncDisposableStack();
  const settings = postgresSettings(config, root);
  const sessionFor = (purpose: string, pipeline = false) =>
    opened.adopt(new PostgresSession(() => connectPostgres(settings, { purpose, mode: 'write', pipeline })), (session) => session.close());
  const watch = sessionFor('clock');
  const { schema, clock } = await examined(watch, settings);
  let journal: PostgresJournal | undefined;
  // A connection of this loop that is new may mean a server that is another one.
  let looked = watch.generation;
  let away: string | null = null;
  const ticking = startLoop({
    name: 'clock',
    now: clock.now,
    logger,
    watch: loops,
    round: async () => {
      try {
        await clock.compare();
        away = null;
      } catch (error) {
        away = describeFailure(error);
        throw error;
      }
      if (watch.generation !== looked) {
        const { generation } = watch;
        await journal?.lookAgain();
        looked = generation;
      }
      return clockPause;
    },
  });
  opened.defer(() => ticking.stop());
  const reader = opened.adopt(new PostgresReader(settings, config.connections), (pool) => pool.close());
  const writing = sessionFor('journal', true);
  const owned = opened.move();
  return {
    database: reader,
    hotDatabase: reader,
    now: clock.now,
    schema,
    readiness: [{ name: 'database', check: () => ({ ok: away === null, detail: away ?? `PostgreSQL at ${settings.host} answers` }) }],
    async openJournal(options) {
      journal = await PostgresJournal.open({ ...options, session: writing, schema: settings.schema, now: clock.now });
      return journal;
    },
    openHandoff: (handoff) => openPostgresHandoff({ ...handoff, postgres: settings, database: reader, births }),
    close: () => owned.disposeAsync(),
  };
}

async function examined(session: PostgresSession, settings: PostgresSettings) {
  let schema: MigrationState;
  try {
    schema = await postgresMigrationState(session, settings.schema, postgresMigrations);
  } catch (error) {
    throw unreachable(error);
  }
  if (schema.pending.length > 0)
    throw new Problem('unavailable', {
      detail: `the schema ${settings.schema} lacks ${schema.pending.join(', ')}`,
      hint: 'govd migrate --state-dir D, as the owner of the tables (store.postgres.owner)',
    });
  await requireDurable(session, settings.schema);
  await requireLeastPrivilege(session, settings.schema);
  return { schema, clock: await databaseClock(session, () => performance.now()) };
}
