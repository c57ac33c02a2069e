import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectPostgres,
  grantDaemon,
  migratePostgres,
  PostgresSession,
  type PostgresSettings,
  postgresMigrations,
} from '../../packages/agent/src/db/index.ts';
import { embeddedSource } from '../../packages/agent/src/handoff/source.postgres.ts';
import { PostgresTail } from '../../packages/agent/src/handoff/tail.postgres.ts';
import { TailLoop } from '../../packages/agent/src/handoff/tail-loop.ts';
import { openTailSession } from '../../packages/agent/src/handoff/tail-session.postgres.ts';
import type { PostgresAccess } from '../postgres/server.ts';
import { OwnEffect } from './own-effect.ts';
import { source } from './source.ts';
import type { Tailer } from './tailer.ts';

const schema = 'govctl';
const role = 'loss_tail';
/** A tail that moves no more for this long has nothing left that it will do. Long, because machines are slow and shared. */
const patienceMs = 30_000;

/** Tables of governance, and a role that may do with them what the daemon does, and with the source nothing but look at it. */
async function install(settings: PostgresSettings, server: PostgresAccess, now: () => string): Promise<PostgresSettings> {
  await server.query(
    `DO $$ BEGIN CREATE ROLE ${role} LOGIN PASSWORD '${server.password}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
     GRANT USAGE ON SCHEMA ${source} TO ${role};
     GRANT SELECT ON ALL TABLES IN SCHEMA ${source} TO ${role};
     GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${source} TO ${role}`,
    [],
    settings.database,
  );
  const owner = new PostgresSession(() => connectPostgres(settings, { purpose: 'migrate', mode: 'write', patient: true }));
  await migratePostgres(owner, schema, postgresMigrations, now);
  await grantDaemon(owner, schema, role);
  await owner.close();
  return { ...settings, user: role };
}

/** Our tail with the loop of the daemon, in this process, on tables of governance beside the source. */
export async function ownTailer(server: PostgresAccess, database: string): Promise<Tailer> {
  const { port, superuser, password } = server;
  const now = () => new Date().toISOString();
  const owner = { host: '127.0.0.1', port, database, schema, user: superuser, readPassword: () => password, ssl: false } as const;
  const session = openTailSession(await install(owner, server, now));
  const monotonicMs = () => performance.now();
  const tail = new PostgresTail({ session, holder: 'loss', environment: 'local_parity', tables: embeddedSource(source), monotonicMs });
  // Only asked to tell that the tail has failed for long; whether it has is seen here by what is missing.
  const journal = { commit: () => Promise.reject(new Error('there is no journal here')) };
  const loop = new TailLoop({ tail, journal, environment: 'local_parity', now, busy: () => false, jitter: Math.random });
  const effect = new OwnEffect(server, database, schema);
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const cycle = async () => {
    while (!stopping.signal.aborted) {
      // What fails is tried again, as the daemon does: its connection may have been killed.
      const pause = await loop.round().catch(() => 100);
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return {
    name: 'ours',
    control: false,
    async start() {
      await effect.open();
      running = cycle();
    },
    async drain() {
      let [position, since] = ['', performance.now()];
      while ((await effect.complaints()).length > 0 && performance.now() - since < patienceMs) {
        const next = await effect.position();
        if (next !== position) since = performance.now();
        position = next;
        await sleep(50);
      }
    },
    async stop() {
      stopping.abort();
      await running;
      await session.close();
      await effect.close();
    },
    delivered: () => effect.delivered(),
    async complaints() {
      const found = await effect.complaints();
      // Something is missing: then the reason is of interest, too.
      return found.length > 0 && loop.blocker !== null ? [loop.blocker, ...found] : found;
    },
  };
}
