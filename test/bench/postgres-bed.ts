import { randomBytes } from 'node:crypto';
import type { BirthLine } from '@govctl/core/handoff';
import { Client } from 'pg';
import { changelog } from '../../fixtures/changelog/index.ts';
import {
  connectPostgres,
  grantBirths,
  grantDaemon,
  migratePostgres,
  PostgresSession,
  type PostgresSettings,
  postgresBirthsMigrations,
  postgresMigrations,
} from '../../packages/agent/src/db/index.ts';
import type { AdmittedLine } from '../../packages/agent/src/handoff/birth-admission.ts';
import { openPostgresBirths } from '../../packages/agent/src/handoff/births.postgres.ts';
import { postgresBatchMs } from '../../packages/agent/src/handoff/open.postgres.ts';
import { testSeal } from '../../packages/agent/src/handoff/permit/seal.fixture.ts';
import { embeddedSource } from '../../packages/agent/src/handoff/source.postgres.ts';
import { PostgresTail } from '../../packages/agent/src/handoff/tail.postgres.ts';
import { TailLoop } from '../../packages/agent/src/handoff/tail-loop.ts';
import { openTailSession } from '../../packages/agent/src/handoff/tail-session.postgres.ts';
import type { Journal } from '../../packages/agent/src/journal/index.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';

const now = () => new Date().toISOString();
const role = 'govd_bench';

/** A server of its own, durable as PostgreSQL comes; only its memory and its log are sized for the work. */
const benchSettings = { shared_buffers: '1GB', max_wal_size: '4GB', track_commit_timestamp: 'on', max_connections: 100 } as const;

export async function benchServer(): Promise<PostgresServer> {
  const server = await startPostgres({ settings: benchSettings });
  await server.query(`CREATE ROLE ${role} LOGIN PASSWORD '${server.password}'`);
  return server;
}

function settingsOf(server: PostgresServer, database: string, user: string): PostgresSettings {
  const { socketFolder: host, port, password } = server;
  return { host, port, database, schema: 'govctl', user, readPassword: () => password, ssl: false };
}

/** A connection as the superuser, over the unix socket as ours, that finds both schemas. */
export async function connectBench(server: PostgresServer, database: string): Promise<Client> {
  const { socketFolder: host, port, password, superuser: user } = server;
  const client = new Client({ host, port, user, password, database, options: '-c search_path=govctl,births' });
  // The server goes when a measurement fails; what failed is told, not this.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** A migrated database with so many changes in its births, written by the daemon's own births writer; answers its name. */
export async function preparedDatabase(server: PostgresServer, rows: number): Promise<string> {
  const name = `prepared_${rows}`;
  await server.createDatabase(name);
  const owner = new PostgresSession(() =>
    connectPostgres(settingsOf(server, name, server.superuser), { purpose: 'bench', mode: 'write', patient: true }),
  );
  await migratePostgres(owner, 'govctl', postgresMigrations, now);
  await migratePostgres(owner, 'births', postgresBirthsMigrations, now);
  await grantDaemon(owner, 'govctl', role);
  await grantBirths(owner, 'births', role);
  await owner.close();
  const births = openPostgresBirths(settingsOf(server, name, role), 'births', testSeal);
  const open = { object_key: null, object_type: null, max_births: null, expires_at: null };
  await births.issue({ permit_id: 'bench', kind: 'bulk', reason: 'benchmark', issued_at: now(), issued_by: 'HUMAN::bench', ...open });
  const batch: AdmittedLine[] = [];
  for (const line of changelog({ rows, seed: 1 })) {
    batch.push({ permit_id: 'bench', ...(line as BirthLine) });
    if (batch.length === 20_000) await births.add(batch.splice(0), now());
  }
  if (batch.length > 0) await births.add(batch, now());
  await births.close();
  // What autovacuum would have done long ago.
  await server.query('VACUUM ANALYZE', [], name);
  return name;
}

export type Drained = { readonly seconds: number; readonly batches: number; readonly rows: number };

/** A copy of a prepared database. */
export class PostgresBed implements AsyncDisposable {
  readonly server: PostgresServer;
  readonly database: string;
  readonly client: Client;

  private constructor(server: PostgresServer, database: string, client: Client) {
    this.server = server;
    this.database = database;
    this.client = client;
  }

  static async open(server: PostgresServer, prepared: string): Promise<PostgresBed> {
    const database = `bed_${randomBytes(6).toString('hex')}`;
    await server.query(`CREATE DATABASE ${database} TEMPLATE ${prepared} STRATEGY file_copy`);
    const client = await connectBench(server, database);
    // The first touch of a fresh copy is the disk's time, not the drain's; and no checkpoint of the copy falls into it.
    await client.query('SELECT sum(length(object_key)), sum(length(payload)) FROM registry_changelog');
    await client.query('SELECT sum(length(object_key)), sum(length(payload)) FROM birth_registry');
    await client.query('CHECKPOINT');
    return new PostgresBed(server, database, client);
  }

  /** What a drain has to leave, apart from the moments it happened at. */
  async effects(): Promise<string> {
    const one = async (sql: string) => JSON.stringify((await this.client.query(sql)).rows);
    const hash = (columns: string) => `count(*), sum(hashtextextended(concat_ws(' ', ${columns}), 0)::numeric)`;
    return [
      await one(`SELECT ${hash('object_key, object_type, type_born_at, state, dirty, born_at, retired_at, changelog_id')}
        FROM governance_candidate_state`),
      await one(`SELECT ${hash('event_type, object_key, born_at')} FROM event_pending`),
    ].join();
  }

  /** The daemon's own tail and its rounds, until nothing is left. */
  async drainByTail(): Promise<Drained> {
    const session = openTailSession(settingsOf(this.server, this.database, role));
    const monotonicMs = () => performance.now();
    const tail = new PostgresTail({ session, holder: 'bench', environment: 'local_parity', tables: embeddedSource('births'), monotonicMs });
    const journal: Journal = { commit: () => Promise.reject(new Error('the benchmark has no journal')) };
    let [batches, rows] = [0, 0];
    const observer = {
      batch(measure: { readonly rows: number }) {
        batches += 1;
        rows += measure.rows;
      },
    };
    const loop = new TailLoop({
      tail,
      journal,
      environment: 'local_parity',
      now,
      busy: () => false,
      jitter: () => 0.5,
      idleMs: postgresBatchMs,
      observer,
    });
    try {
      await session.run('SELECT 1');
      const started = performance.now();
      while ((await loop.round()) === 0);
      return { seconds: (performance.now() - started) / 1000, batches, rows };
    } finally {
      await session.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
    await this.server.query(`DROP DATABASE ${this.database} WITH (FORCE)`);
  }
}
