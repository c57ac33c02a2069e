import type { Client } from 'pg';
import type { ChangelogLine } from '../../../../fixtures/changelog/index.ts';
import type { Pace } from '../audit/pace.ts';
import {
  connectPostgres,
  grantBirths,
  grantDaemon,
  migratePostgres,
  PostgresReader,
  PostgresSession,
  type PostgresSettings,
  postgresBirthsMigrations,
  postgresMigrations,
} from '../db/index.ts';
import type { AdmittedLine } from './birth-admission.ts';
import { openPostgresBirths, type PostgresBirths } from './births.postgres.ts';
import { lagByPage } from './lag.ts';
import { testSeal } from './permit/seal.fixture.ts';
import type { TestServer } from './postgres-server.fixture.ts';
import { postgresHandoffQueries } from './queries.postgres.ts';
import { embeddedSource, type SourceTables, sourcesSql } from './source.postgres.ts';
import { checkSource } from './source-check.postgres.ts';
import { lagSql } from './status-sql.postgres.ts';
import { PostgresTail } from './tail.postgres.ts';
import { openTailSession } from './tail-session.postgres.ts';

const template = 'handoff_template';
const role = 'govd_test';
const at = () => new Date().toISOString();
let serial = 0;

/** A migrated database with a role for the daemon, from which each bench copies its own. */
export async function makeTemplate(server: TestServer): Promise<void> {
  const admin = await server.connect('postgres');
  await admin.query(`CREATE DATABASE ${template}`);
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${server.password}'`);
  await admin.end();
  const owner = new PostgresSession(() =>
    connectPostgres(settingsOf(server, template, server.user), { purpose: 'test', mode: 'write', patient: true }),
  );
  await migratePostgres(owner, 'govctl', postgresMigrations, at);
  await migratePostgres(owner, 'births', postgresBirthsMigrations, at);
  await grantDaemon(owner, 'govctl', role);
  await grantBirths(owner, 'births', role);
  await owner.close();
}

function settingsOf(server: TestServer, database: string, user: string): PostgresSettings {
  return { host: server.host, port: server.port, database, schema: 'govctl', user, readPassword: () => server.password, ssl: false };
}

/** A database of its own, with a births writer and tails as the daemon's role, and a superuser who may do anything. */
export class PostgresBench implements AsyncDisposable {
  readonly server: TestServer;
  readonly database: string;
  readonly settings: PostgresSettings;
  readonly owner: Client;
  readonly births: PostgresBirths;
  tables: SourceTables = embeddedSource('births');
  /** Added to the monotonic timer: heartbeats, checks and blockers come when a test wants them. */
  skipMs = 0;
  readonly #opened: { close(): Promise<void> }[] = [];
  #reader: PostgresReader | undefined;

  private constructor(server: TestServer, database: string, owner: Client) {
    this.server = server;
    this.database = database;
    this.owner = owner;
    this.settings = settingsOf(server, database, role);
    this.births = openPostgresBirths(this.settings, 'births', testSeal);
  }

  static async open(server: TestServer): Promise<PostgresBench> {
    serial += 1;
    const database = `bench_${serial}`;
    const admin = await server.connect('postgres');
    await admin.query(`CREATE DATABASE ${database} TEMPLATE ${template}`);
    await admin.end();
    const owner = await server.connect(database);
    await owner.query('SET search_path = govctl, births');
    return new PostgresBench(server, database, owner);
  }

  async permit(permit_id = 'bulk'): Promise<void> {
    const nothing = { object_key: null, object_type: null, max_births: null, expires_at: null };
    await this.births.issue({ permit_id, kind: 'bulk', reason: 'test', issued_at: at(), issued_by: 'HUMAN::t', ...nothing });
  }

  async add(lines: readonly (AdmittedLine | ChangelogLine)[]): Promise<void> {
    await this.births.add(
      lines.map((line) => ({ permit_id: 'bulk', ...(line as AdmittedLine) })),
      at(),
    );
  }

  /** A tail on a connection of its own. */
  tail(holder = 'test'): PostgresTail & { readonly session: PostgresSession } {
    const session = openTailSession(this.settings);
    this.#opened.push(session);
    const monotonicMs = () => performance.now() + this.skipMs;
    const tail = new PostgresTail({ session, holder, environment: 'local_parity', tables: this.tables, monotonicMs });
    return Object.assign(tail, { session });
  }

  /** A connection as the daemon's role, for what the journal would run. */
  daemon(): PostgresSession {
    const session = new PostgresSession(() => connectPostgres(this.settings, { purpose: 'test-daemon', mode: 'write' }));
    this.#opened.push(session);
    return session;
  }

  /** Another connection, as the superuser: writers of the source. */
  async connect(): Promise<Client> {
    const client = await this.server.connect(this.database);
    await client.query('SET search_path = births, govctl');
    this.#opened.push({ close: () => client.end() });
    return client;
  }

  async rows<Row = Record<string, unknown>>(sql: string): Promise<Row[]> {
    const { rows } = await this.owner.query<Record<string, unknown>>(sql);
    // The bench's own client leaves bigint as text; none of a test's numbers needs that.
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value]),
      ),
    ) as Row[];
  }

  async exec(sql: string): Promise<void> {
    await this.owner.query(sql);
  }

  async activate(): Promise<void> {
    await this.exec("UPDATE event_type_registry SET active = 1 WHERE event_type = 'handoff.object_born'");
  }

  /** Forgets what was read, so that everything is read again. */
  async rewind(): Promise<void> {
    await this.exec("UPDATE handoff_cursor SET low_water = 0, seen = '{}', audited_upto = 0");
  }

  async lag(): Promise<{ births: number; lag_rows: number; unannounced_rows: number } | undefined> {
    const run = async <Row>(sql: string, params = {}) => {
      const session = openTailSession(this.settings);
      try {
        return await session.run<Row>(sql, params);
      } finally {
        await session.close();
      }
    };
    const { catalogs } = await checkSource(run, this.tables);
    return (await run<{ births: number; lag_rows: number; unannounced_rows: number }>(lagSql(sourcesSql(this.tables, catalogs)))).rows[0];
  }

  /** The same proof page by page, on one connection for reading. */
  async lagByPage(pace: Pace): Promise<{ births: number; lag_rows: number; unannounced_rows: number }> {
    const session = openTailSession(this.settings);
    try {
      const { catalogs } = await checkSource((sql, params = {}) => session.run(sql, params), this.tables);
      this.#reader ??= this.#owned(new PostgresReader(this.settings, 1));
      return await lagByPage(
        this.#reader,
        postgresHandoffQueries(() => sourcesSql(this.tables, catalogs)),
        pace,
      );
    } finally {
      await session.close();
    }
  }

  #owned<T extends { close(): Promise<void> }>(each: T): T {
    this.#opened.push(each);
    return each;
  }

  async events(): Promise<{ type: string; subject: string; data: Record<string, unknown> }[]> {
    const rows = await this.rows<{ events: string }>('SELECT events FROM outbox ORDER BY outbox_id');
    return rows.flatMap((row) => JSON.parse(row.events));
  }

  async cursor(source: 'birth_registry' | 'registry_changelog' = 'birth_registry') {
    const [row] = await this.rows<{ low_water: number; seen: string; alarm: string | null; blocker: string | null; fence: number }>(
      `SELECT low_water, seen::text AS seen, alarm, blocker, fence FROM handoff_cursor WHERE source = '${source}'`,
    );
    if (row === undefined) throw new Error(`no cursor ${source}`);
    return row;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#opened) await each.close().catch(() => undefined);
    await this.births.close();
    await this.owner.end();
    const admin = await this.server.connect('postgres');
    await admin.query(`DROP DATABASE ${this.database} WITH (FORCE)`);
    await admin.end();
  }
}

/** Steps until nothing is left. */
export async function settlePostgres(tail: PostgresTail, rows = 500): Promise<number> {
  let applied = 0;
  for (let step = await tail.step(rows); step.kind === 'applied'; step = await tail.step(rows)) applied += step.rows;
  return applied;
}
