import { isContention, isFaultOfStatement, type PostgresSession, postgresCode } from '../db/index.ts';
import { type SourceName, type SourcesSql, type SourceTables, sourceNames } from './source.postgres.ts';
import { greetSource, judgeEpoch, raiseAlarm } from './tail-alarm.postgres.ts';
import { type BatchPlan, Fenced, type ProbeRow, TailBatches } from './tail-batch.postgres.ts';
import { TailFences } from './tail-fence.postgres.ts';
import { TailLease } from './tail-lease.postgres.ts';
import type { Tail, TailStep } from './tail-port.ts';
import { TailSources } from './tail-source.postgres.ts';
import { probeSql } from './tail-sql.postgres.ts';

export type PostgresTailOptions = {
  /** A connection of the tail's own (`openTailSession`). */
  readonly session: PostgresSession;
  readonly holder: string;
  readonly environment: string;
  readonly tables: SourceTables;
  /** This host's monotonic timer, in milliseconds; every time that is stored or compared is the server's. */
  readonly monotonicMs: () => number;
};

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

/**
 * Tails both birth sources on PostgreSQL. One transaction a batch: cursors held by fence and lease, rows that were not seen yet, their
 * effects, what was seen, low water and heartbeat. It reads eagerly; the low water follows once every transaction that could still
 * show an older row has ended (`TailFences`).
 */
export class PostgresTail implements Tail {
  readonly #options: PostgresTailOptions;
  readonly #lease: TailLease;
  readonly #fences: TailFences;
  readonly #sources: TailSources;
  readonly #batches: TailBatches;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #beatAt = Number.NEGATIVE_INFINITY;
  #limit = largestBatch;
  #backlog: readonly ProbeRow[] | null = null;
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PostgresTailOptions) {
    this.#options = options;
    this.#sources = new TailSources(options.session, options.tables);
    this.#lease = new TailLease(options.session, options.holder);
    this.#fences = new TailFences(options.session, options.monotonicMs);
    const { environment } = options;
    this.#batches = new TailBatches({ sources: this.#sources, fences: this.#fences, environment, fence: () => this.fence });
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
    this.#batches.applying = null;
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
      const source = this.#batches.applying;
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
    const done = await session.transaction((run) => this.#batches.fill(run, rows, { ...plan, settles: proven() }));
    for (const source of plan.settles.keys()) this.#fences.done(source);
    if (plan.beat || done.rows > 0) this.#beatAt = monotonicMs();
    if (done.full.size > 0) this.#backlog = plan.probe.map((row) => ({ ...row, unread: done.full.has(row.source) }));
    if (done.paused) return { kind: 'paused' };
    if (done.rows === 0) return { kind: 'idle' };
    return { kind: 'applied', rows: done.rows, settled: done.full.size === 0 && !done.draining };
  }

  async #plan(): Promise<BatchPlan> {
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

  async #setAside(source: SourceName, error: Error): Promise<void> {
    const aside = (plainly: boolean) =>
      this.#options.session.transaction((run) => this.#batches.setAside(run, { source, error: error.message, plainly }));
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
      const count = await session.transaction((run) => this.#batches.mend(run, rows));
      return count === 0 ? { kind: 'idle' } : { kind: 'applied', rows: count, settled: false };
    } catch (error) {
      if (!isFaultOfStatement(error)) throw error;
      this.#batches.applying = null;
      if (rows > 1) return await this.#mend(Math.max(1, Math.floor(rows / 8)));
      await session.transaction((run) => this.#batches.failFirst(run, (error as Error).message));
      return { kind: 'applied', rows: 1, settled: false };
    }
  }
}
