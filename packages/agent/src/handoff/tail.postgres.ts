import { staleAfterMs } from '@govctl/core/handoff';
import { isContention, isFaultOfStatement, type PostgresRun, type PostgresSession, postgresCode } from '../db/index.ts';
import { type SourceName, type SourcesSql, type SourceTables, sourceNames, sourcesSql, unknownCatalogs } from './source.postgres.ts';
import { checkSource } from './source-check.postgres.ts';
import { greetSource, type HeldCursor, judgeEpoch, raiseAlarm, watchSource } from './tail-alarm.postgres.ts';
import { TailAudit } from './tail-audit.postgres.ts';
import { TailFences } from './tail-fence.postgres.ts';
import { leaseMs, TailLease } from './tail-lease.postgres.ts';
import type { Tail, TailStep } from './tail-port.ts';
import {
  changelogSql,
  closeSql,
  drainSql,
  eventTypeSql,
  holdSql,
  probeSql,
  type Reading,
  registrySql,
  setAsideSql,
  settleSql,
} from './tail-sql.postgres.ts';

export type PostgresTailOptions = {
  /** A connection of the tail's own (`openTailSession`). */
  readonly session: PostgresSession;
  readonly holder: string;
  readonly environment: string;
  readonly tables: SourceTables;
  /** This host's monotonic timer, in milliseconds; every time that is stored or compared is the server's. */
  readonly monotonicMs: () => number;
};

type ProbeRow = {
  readonly source: SourceName;
  readonly low_water: number;
  readonly audited_upto: number;
  readonly collapsed: boolean;
  readonly drains: boolean;
  readonly head: number;
  readonly unread: boolean;
};

type Counted = { readonly row_count: number; readonly last_id: number };
/** What is known before the transaction: heads, and up to where each source is settled, if its rows are all read. */
type Plan = {
  readonly probe: readonly ProbeRow[];
  /** The probe was made for this batch, so its heads are those of now. */
  readonly fresh: boolean;
  readonly settles: ReadonlyMap<SourceName, number>;
  readonly beat: boolean;
};
type Done = { readonly rows: number; readonly full: ReadonlySet<SourceName>; readonly draining: boolean };

/** How often a tail with nothing to do renews its lease and says that it lives. */
const heartbeatMs = 3_000;
/** How often the catalog is asked whether the sources are still what the tail relies on. */
const checkMs = 60_000;
const largestBatch = 20_000;
/** So many unproved rows are proved without waiting for a heartbeat. */
const auditBacklog = 5_000;
/** In a backlog, where there is work anyway, how often heads and writers are looked at. */
const backlogMs = 250;
class Fenced extends Error {}

/**
 * Tails both birth sources on PostgreSQL. One transaction a batch: cursors held by fence and lease, rows that were not seen yet, their
 * effects, what was seen, low water and heartbeat. It reads eagerly; the low water follows once every transaction that could still
 * show an older row has ended (`TailFences`).
 */
export class PostgresTail implements Tail {
  readonly #options: PostgresTailOptions;
  readonly #lease: TailLease;
  readonly #fences: TailFences;
  readonly #texts = new Map<string, string>();
  readonly #audit = new TailAudit();
  #sources: SourcesSql;
  #fit: ReadonlySet<SourceName> = new Set();
  #checkedAt = Number.NEGATIVE_INFINITY;
  #beatAt = Number.NEGATIVE_INFINITY;
  #limit = largestBatch;
  /** Whose rows the statement under way applies: where it fails for what a row holds, it is a row of this source. */
  #applying: SourceName | null = null;
  #backlog: readonly ProbeRow[] | null = null;
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PostgresTailOptions) {
    this.#options = options;
    this.#sources = sourcesSql(options.tables, unknownCatalogs);
    this.#lease = new TailLease(options.session, options.holder);
    this.#fences = new TailFences(options.session, options.monotonicMs);
  }

  get fence(): number {
    return this.#lease.fence ?? 0;
  }

  /** The sources' SQL as the catalog was found last. */
  get sources(): SourcesSql {
    return this.#sources;
  }

  /** The sources that the catalog says can be read. */
  get fit(): ReadonlySet<SourceName> {
    return this.#fit;
  }

  /** Asks the catalog; what does not fit is told as drift, and that source is not read. */
  async start(): Promise<void> {
    await this.#check();
  }

  /** Gives the lease back, so that another host need not wait until it runs out. */
  async stop(): Promise<void> {
    await this.#lease.release();
  }

  async step(rows: number): Promise<TailStep> {
    try {
      if (this.#options.monotonicMs() - this.#checkedAt >= checkMs) await this.#check();
      const taken = await this.#lease.take();
      if (taken.kind === 'waiting') return { kind: 'standby', retry_ms: taken.retry_ms };
      if (taken.kind === 'taken') await this.#arrive(taken.epoch);
      return await this.#attempt(Math.min(rows, this.#limit));
    } catch (error) {
      // Whatever went wrong, the connection may be another one now; a fence is soon made anew.
      this.#backlog = null;
      this.#fences.forget();
      if (!(error instanceof Fenced)) throw error;
      this.#lease.lost();
      return { kind: 'fenced' };
    }
  }

  /** A statement that fails for what a row holds is tried with fewer rows, until the row that it cannot take is alone and stands aside. */
  async #attempt(rows: number): Promise<TailStep> {
    this.#applying = null;
    try {
      const step = await this.#cycle(rows);
      this.#limit = Math.min(largestBatch, this.#limit * 2);
      return step;
    } catch (error) {
      const code = postgresCode(error);
      if (code.startsWith('42')) {
        // A table or column that was there is not, or may not be read any more: that is drift, if the catalog says so too.
        await this.#check();
        if (this.#fit.size < sourceNames.length) return { kind: 'idle' };
        throw error;
      }
      if (code === '57014' || isContention(error)) this.#limit = Math.max(1, Math.floor(rows / 4));
      const source = this.#applying;
      if (!isFaultOfStatement(error) || source === null) throw error;
      if (rows > 1) return await this.#attempt(Math.max(1, Math.floor(rows / 8)));
      await this.#setAside(source, error as Error);
      return { kind: 'applied', rows: 1, settled: false };
    }
  }

  async #cycle(rows: number): Promise<TailStep> {
    const { session, monotonicMs } = this.#options;
    const plan = await this.#plan();
    const work = plan.probe.some((row) => row.unread || row.drains || row.low_water - row.audited_upto >= auditBacklog);
    if (!work && !plan.beat && plan.settles.size === 0) return { kind: 'idle' };
    this.#backlog = null;
    const { server } = session;
    // A fence proves something only on the connection it was made on: another server may have been started in between.
    const proven = () => (session.server === server ? plan.settles : new Map<SourceName, number>());
    const done = await session.transaction((run) => this.#batch(run, rows, { ...plan, settles: proven() }));
    for (const source of plan.settles.keys()) this.#fences.done(source);
    if (plan.beat || done.rows > 0) this.#beatAt = monotonicMs();
    if (done.full.size > 0) this.#backlog = plan.probe.map((row) => ({ ...row, unread: done.full.has(row.source) }));
    if (done.rows === 0) return { kind: 'idle' };
    return { kind: 'applied', rows: done.rows, settled: done.full.size === 0 && !done.draining };
  }

  async #plan(): Promise<Plan> {
    const { session, monotonicMs } = this.#options;
    const beat = monotonicMs() - this.#beatAt >= heartbeatMs;
    if (this.#backlog !== null && !beat && monotonicMs() - this.#probedAt < backlogMs) {
      return { probe: this.#backlog, fresh: false, settles: new Map(), beat };
    }
    this.#probedAt = monotonicMs();
    const fit = this.#readable();
    const probe = (
      await session.run<ProbeRow>(
        this.#text('probe', () => probeSql(fit)),
        { fence: this.fence },
      )
    ).rows;
    if (probe.length === 0) throw new Fenced();
    const ceilings = probe.filter((row) => row.head > row.low_water).map((row) => ({ source: row.source, ceiling: row.head }));
    return { probe, fresh: true, settles: await this.#fences.settled(fit, ceilings), beat };
  }

  async #batch(run: PostgresRun, rows: number, plan: Plan): Promise<Done> {
    const fit = this.#readable();
    const cursors = (
      await run<HeldCursor>(
        this.#text('hold', () => holdSql(fit)),
        { fence: this.fence },
      )
    ).rows;
    if (cursors.length < sourceNames.length) throw new Fenced();
    const at = cursors[0]?.now ?? '';
    const [type] = (await run<{ active: number; pending: boolean }>(eventTypeSql)).rows;
    const active = type?.active === 1;
    for (const cursor of cursors) {
      const head = plan.fresh ? (plan.probe.find((row) => row.source === cursor.source)?.head ?? null) : null;
      if (this.#fit.has(cursor.source)) await watchSource(run, this.#sources[cursor.source], cursor, head, plan.beat);
    }
    const full = new Set<SourceName>();
    const read = new Set<SourceName>();
    const draining = active && type?.pending === true;
    // What was captured first goes out first.
    let applied = draining ? await this.#drain(run, rows, at) : 0;
    const unread = plan.probe.filter((row) => row.unread).length;
    const share = Math.max(1, Math.ceil(rows / Math.max(1, unread)));
    for (const cursor of draining ? [] : cursors) {
      const probed = plan.probe.find((row) => row.source === cursor.source);
      const upto = plan.settles.get(cursor.source);
      if (!this.#fit.has(cursor.source) || (probed?.unread !== true && upto === undefined)) continue;
      const done = await this.#apply(run, cursor, 'fresh', active, { rows: share, now: at });
      applied += done.row_count;
      const isFull = done.row_count === share;
      (isFull ? full : read).add(cursor.source);
      // A full batch has read everything up to its last id; what is above was not read.
      if (upto !== undefined) await this.#settle(run, cursor, isFull ? Math.min(upto, done.last_id) : upto);
    }
    if (applied === 0) {
      const reapply = async (source: SourceName, ids: string) => {
        const cursor = cursors.find((each) => each.source === source);
        if (cursor !== undefined) await this.#apply(run, cursor, 'ids', active, { rows: Number.MAX_SAFE_INTEGER, now: at, ids });
      };
      await this.#audit.audit(run, { sources: this.#sources, fit: this.#fit, rows, reapply });
    }
    await this.#close(run, cursors, at, full, read);
    return { rows: applied, full, draining };
  }

  async #settle(run: PostgresRun, { source }: HeldCursor, upto: number): Promise<void> {
    await run(
      this.#text(`settle ${source}`, () => settleSql(this.#sources[source])),
      { upto },
    );
  }

  async #apply(
    run: PostgresRun,
    { source, settled_upto }: HeldCursor,
    reading: Reading,
    emits: boolean,
    params: { readonly rows: number; readonly now: string; readonly ids?: string },
  ): Promise<Counted> {
    const exact = reading === 'ids';
    const sql = this.#text(`${source} ${reading} ${emits}`, () =>
      source === 'birth_registry'
        ? registrySql(this.#sources.birth_registry, reading, emits)
        : changelogSql(this.#sources, reading, emits, exact),
    );
    const { environment } = this.#options;
    this.#applying = source;
    const { rows } = await run<Counted>(sql, { ...params, environment, settled_upto });
    this.#applying = null;
    return rows[0] ?? { row_count: 0, last_id: 0 };
  }

  async #drain(run: PostgresRun, rows: number, now: string): Promise<number> {
    const { rows: counted } = await run<{ row_count: number }>(drainSql, { rows, now, environment: this.#options.environment });
    return counted[0]?.row_count ?? 0;
  }

  async #close(
    run: PostgresRun,
    cursors: readonly HeldCursor[],
    at: string,
    full: ReadonlySet<SourceName>,
    read: ReadonlySet<SourceName>,
  ): Promise<void> {
    const polled = cursors.map((cursor) => cursor.last_poll_at).sort()[0] ?? null;
    const told = cursors.find((cursor) => cursor.stale_since !== null)?.stale_since ?? null;
    const silent = polled !== null && Date.parse(at) - Date.parse(polled) > staleAfterMs;
    if (told === null && silent) await this.#say(run, 'handoff.stale', { last_poll_at: polled }, at);
    if (told !== null || silent) await this.#say(run, 'handoff.recovered', { stale_since: told ?? polled }, at);
    const sql = this.#text(`close ${[...full]} ${[...read]}`, () =>
      closeSql(
        [...full].map((name) => this.#sources[name]),
        [...read],
      ),
    );
    await run(sql, { at, ttl: leaseMs, fence: this.fence });
    await this.#fences.tell(run);
  }

  async #say(
    run: PostgresRun,
    type: 'handoff.stale' | 'handoff.recovered',
    data: Readonly<Record<string, unknown>>,
    at: string,
  ): Promise<void> {
    const { environment } = this.#options;
    const scope = { tenant_id: 'default', dataset_id: null, layer: null, run_id: null };
    const event = { type, subject: 'handoff', time: at, ...scope, environment, data };
    await run(
      `WITH o AS (INSERT INTO outbox (committed_at, event_count, events) VALUES (:at, 1, :events) RETURNING outbox_id)
       INSERT INTO outbox_waiting (outbox_id) SELECT outbox_id FROM o`,
      { at, events: JSON.stringify([event]) },
    );
  }

  /** The first look after a takeover. */
  async #arrive(epoch: { readonly before: string | null; readonly now: string }): Promise<void> {
    this.#fences.forget();
    this.#beatAt = Number.NEGATIVE_INFINITY;
    const alarm = judgeEpoch(epoch.before, epoch.now);
    await this.#options.session.transaction(async (run) => {
      for (const source of sourceNames) {
        if (alarm !== null) await raiseAlarm(run, source, alarm);
        if (this.#fit.has(source)) await greetSource(run, this.#sources[source]);
      }
    });
  }

  async #check(): Promise<void> {
    const { session, tables, monotonicMs } = this.#options;
    const { findings, catalogs } = await session.transaction((run) => checkSource(run, tables));
    this.#fit = new Set(sourceNames.filter((name) => !findings.some(({ source }) => source === name)));
    // The changelog asks the registry for types only where the registry can be asked.
    const by_key = catalogs.birth_registry.by_key && this.#fit.has('birth_registry');
    this.#sources = sourcesSql(tables, { ...catalogs, birth_registry: { ...catalogs.birth_registry, by_key } });
    this.#texts.clear();
    this.#checkedAt = monotonicMs();
    for (const source of sourceNames) {
      const details = findings
        .filter((found) => found.source === source)
        .map(({ detail, sql }) => (sql === undefined ? detail : `${detail} (${sql})`));
      if (details.length === 0) continue;
      await session.transaction((run) => raiseAlarm(run, source, { coverage: 'drift', detail: details.join('; ') }));
    }
  }

  async #setAside(source: SourceName, error: Error): Promise<void> {
    await this.#options.session.transaction(async (run) => {
      const fit = this.#readable();
      const cursors = (await run<HeldCursor>(holdSql(fit), { fence: this.fence })).rows;
      if (cursors.length < sourceNames.length) throw new Fenced();
      const now = cursors[0]?.now ?? '';
      await run(setAsideSql(this.#sources[source]), { error: error.message, now });
    });
  }

  #readable() {
    return sourceNames.filter((name) => this.#fit.has(name)).map((name) => this.#sources[name]);
  }

  #text(name: string, make: () => string): string {
    const known = this.#texts.get(name) ?? make();
    this.#texts.set(name, known);
    return known;
  }
}
