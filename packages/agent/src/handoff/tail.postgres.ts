import { isContention, isFaultOfStatement, type PostgresRun, type PostgresSession, postgresCode } from '../db/index.ts';
import { type SourceName, type SourcesSql, type SourceTables, sourceNames } from './source.postgres.ts';
import { greetSource, type HeldCursor, judgeEpoch, raiseAlarm, watchSource } from './tail-alarm.postgres.ts';
import { TailAudit } from './tail-audit.postgres.ts';
import { closeBatch } from './tail-close.postgres.ts';
import { TailFences } from './tail-fence.postgres.ts';
import { TailLease } from './tail-lease.postgres.ts';
import { failFirst, mendRows, releaseRows } from './tail-mend.postgres.ts';
import type { Tail, TailStep } from './tail-port.ts';
import { TailSources } from './tail-source.postgres.ts';
import {
  changelogSql,
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
  readonly paused: boolean;
  /** Rows of the quarantine are to be applied again. */
  readonly asked: boolean;
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
type Done = { readonly rows: number; readonly full: ReadonlySet<SourceName>; readonly draining: boolean; readonly paused: boolean };

/** How often a tail with nothing to do renews its lease and says that it lives. */
const heartbeatMs = 3_000;
/** How often the catalog is asked whether the sources are still what the tail relies on. */
const checkMs = 60_000;
const largestBatch = 20_000;
/** So many unproved rows are proved without waiting for a heartbeat. */
const auditBacklog = 5_000;
/** In a backlog, where there is work anyway, how often heads and writers are looked at. */
const backlogMs = 250;
/** Rows of the quarantine that are applied again at a time. */
const mendBatch = 500;
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
  readonly #audit = new TailAudit();
  readonly #sources: TailSources;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #beatAt = Number.NEGATIVE_INFINITY;
  #limit = largestBatch;
  /** Whose rows the statement under way applies: where it fails for what a row holds, it is a row of this source. */
  #applying: SourceName | null = null;
  #backlog: readonly ProbeRow[] | null = null;
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PostgresTailOptions) {
    this.#options = options;
    this.#sources = new TailSources(options.session, options.tables);
    this.#lease = new TailLease(options.session, options.holder);
    this.#fences = new TailFences(options.session, options.monotonicMs);
  }

  get fence(): number {
    return this.#lease.fence ?? 0;
  }

  /** The sources' SQL as the catalog was found last. */
  get sources(): SourcesSql {
    return this.#sources.sql;
  }

  /** The sources that the catalog says can be read. */
  get fit(): ReadonlySet<SourceName> {
    return this.#sources.fit;
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
        if (this.#sources.fit.size < sourceNames.length) return { kind: 'idle' };
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
    const paused = plan.probe.some((row) => row.paused);
    if (paused && !plan.beat) return { kind: 'paused' };
    if (!paused && plan.probe.some((row) => row.asked)) return await this.#mend(Math.min(rows, mendBatch));
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
    if (done.paused) return { kind: 'paused' };
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
    const fit = this.#sources.readable();
    const probe = (
      await session.run<ProbeRow>(
        this.#sources.text('probe', () => probeSql(fit)),
        { fence: this.fence },
      )
    ).rows;
    if (probe.length === 0) throw new Fenced();
    const ceilings = probe.filter((row) => row.head > row.low_water).map((row) => ({ source: row.source, ceiling: row.head }));
    return { probe, fresh: true, settles: await this.#fences.settled(fit, ceilings), beat };
  }

  async #batch(run: PostgresRun, rows: number, plan: Plan): Promise<Done> {
    const { cursors, at } = await this.#hold(run);
    const paused = cursors.some((cursor) => cursor.paused);
    const { active, pending } = await this.#eventType(run);
    for (const cursor of cursors) {
      const head = plan.fresh ? (plan.probe.find((row) => row.source === cursor.source)?.head ?? null) : null;
      if (this.#sources.fit.has(cursor.source)) await watchSource(run, this.sources[cursor.source], cursor, head, plan.beat);
    }
    const full = new Set<SourceName>();
    const read = new Set<SourceName>();
    const draining = active && pending && !paused;
    // What was captured first goes out first.
    let applied = draining ? await this.#drain(run, rows, at) : 0;
    const unread = plan.probe.filter((row) => row.unread).length;
    const share = Math.max(1, Math.ceil(rows / Math.max(1, unread)));
    for (const cursor of draining || paused ? [] : cursors) {
      const probed = plan.probe.find((row) => row.source === cursor.source);
      const upto = plan.settles.get(cursor.source);
      if (!this.#sources.fit.has(cursor.source) || (probed?.unread !== true && upto === undefined)) continue;
      const done = await this.#apply(run, cursor, 'fresh', active, { rows: share, now: at });
      applied += done.row_count;
      const isFull = done.row_count === share;
      (isFull ? full : read).add(cursor.source);
      // A full batch has read everything up to its last id; what is above was not read.
      if (upto !== undefined) await this.#settle(run, cursor, isFull ? Math.min(upto, done.last_id) : upto);
    }
    if (plan.beat && !paused) await releaseRows(run, at);
    if (applied === 0 && !paused) {
      const reapply = async (source: SourceName, ids: string) => {
        const cursor = cursors.find((each) => each.source === source);
        if (cursor !== undefined) await this.#apply(run, cursor, 'ids', active, { rows: Number.MAX_SAFE_INTEGER, now: at, ids });
      };
      await this.#audit.audit(run, { sources: this.sources, fit: this.#sources.fit, rows, reapply });
    }
    await this.#close(run, cursors, at, full, read);
    return { rows: applied, full, draining, paused };
  }

  async #settle(run: PostgresRun, { source }: HeldCursor, upto: number): Promise<void> {
    await run(
      this.#sources.text(`settle ${source}`, () => settleSql(this.sources[source])),
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
    const sql = this.#sources.text(`${source} ${reading} ${emits}`, () =>
      source === 'birth_registry'
        ? registrySql(this.sources.birth_registry, reading, emits)
        : changelogSql(this.sources, reading, emits, exact),
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
    const { environment } = this.#options;
    await closeBatch(run, { sources: this.#sources, fences: this.#fences, environment, fence: this.fence, cursors, at, full, read });
  }

  /** The first look after a takeover. */
  async #arrive(epoch: { readonly before: string | null; readonly now: string }): Promise<void> {
    this.#fences.forget();
    this.#beatAt = Number.NEGATIVE_INFINITY;
    const alarm = judgeEpoch(epoch.before, epoch.now);
    await this.#options.session.transaction(async (run) => {
      for (const source of sourceNames) {
        if (alarm !== null) await raiseAlarm(run, source, alarm);
        if (this.#sources.fit.has(source)) await greetSource(run, this.sources[source]);
      }
    });
  }

  async #check(): Promise<void> {
    await this.#sources.check();
    this.#checkedAt = this.#options.monotonicMs();
  }

  async #hold(run: PostgresRun): Promise<{ readonly cursors: readonly HeldCursor[]; readonly at: string }> {
    const sql = this.#sources.text('hold', () => holdSql(this.#sources.readable()));
    const cursors = (await run<HeldCursor>(sql, { fence: this.fence })).rows;
    if (cursors.length < sourceNames.length) throw new Fenced();
    return { cursors, at: cursors[0]?.now ?? '' };
  }

  async #eventType(run: PostgresRun): Promise<{ readonly active: boolean; readonly pending: boolean }> {
    return (await run<{ active: boolean; pending: boolean }>(eventTypeSql)).rows[0] ?? { active: false, pending: false };
  }

  async #setAside(source: SourceName, error: Error): Promise<void> {
    const aside = (plainly: boolean) =>
      this.#options.session.transaction(async (run) => {
        const { at } = await this.#hold(run);
        await run(setAsideSql(this.sources[source], plainly), { error: error.message, now: at });
      });
    try {
      await aside(false);
    } catch (cause) {
      if (!isFaultOfStatement(cause)) throw cause;
      await aside(true);
    }
  }

  /** Applies rows of the quarantine again; one that no statement takes is found like any other. */
  async #mend(rows: number): Promise<TailStep> {
    const { session } = this.#options;
    try {
      const count = await session.transaction(async (run) => {
        const { cursors, at } = await this.#hold(run);
        const { active, pending } = await this.#eventType(run);
        if (cursors.some((cursor) => cursor.paused)) return 0;
        const reapply = async (source: SourceName, ids: string) => {
          const cursor = cursors.find((each) => each.source === source);
          const params = { rows: Number.MAX_SAFE_INTEGER, now: at, ids };
          if (cursor !== undefined) await this.#apply(run, cursor, 'ids', active && !pending, params);
        };
        const tried = await mendRows(run, this.#sources.readable(), { rows, now: at, reapply });
        await this.#close(run, cursors, at, new Set(), new Set());
        return tried;
      });
      return count === 0 ? { kind: 'idle' } : { kind: 'applied', rows: count, settled: false };
    } catch (error) {
      if (!isFaultOfStatement(error)) throw error;
      this.#applying = null;
      if (rows > 1) return await this.#mend(Math.max(1, Math.floor(rows / 8)));
      await session.transaction(async (run) => {
        const { at } = await this.#hold(run);
        await failFirst(run, this.#sources.readable(), (error as Error).message, at);
      });
      return { kind: 'applied', rows: 1, settled: false };
    }
  }
}
