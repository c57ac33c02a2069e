import { type CursorAlarm, staleAfterMs } from '@govctl/core/handoff';
import { isConnectionLost, isContention, isFaultOfStatement, type PostgresRun, type PostgresSession, postgresCode } from '../db/index.ts';
import { type SourceName, type SourcesSql, type SourceTables, sourceNames, sourcesSql, unknownCatalogs } from './source.postgres.ts';
import { checkSource } from './source-check.postgres.ts';
import { TailFences } from './tail-fence.postgres.ts';
import { TailLease } from './tail-lease.postgres.ts';
import type { Tail, TailStep } from './tail-port.ts';
import {
  auditSql,
  changelogSql,
  drainSql,
  eventTypeSql,
  examineSql,
  historySql,
  holdSql,
  nextSql,
  nowSql,
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

type HeldCursor = {
  readonly source: SourceName;
  readonly shard: number;
  readonly low_water: number;
  readonly settled_upto: number;
  readonly audited_upto: number;
  readonly last_poll_at: string | null;
  readonly stale_since: string | null;
  readonly next_id: number | null;
  readonly source_files: string | null;
  readonly last_seen: number;
  readonly seen_ranges: number;
  readonly next_gone: boolean;
  readonly now: string;
};

type Counted = { readonly row_count: number; readonly last_id: number };
type Audited = Counted & { readonly holes: string | null; readonly held_count: number };
/** What is known before the transaction: heads, and up to where each source is settled, if its rows are all read. */
type Plan = { readonly probe: readonly ProbeRow[]; readonly settles: ReadonlyMap<SourceName, number>; readonly beat: boolean };

/** How often a tail with nothing to do renews its lease and says that it lives. */
const heartbeatMs = 3_000;
/** How often the catalog is asked whether the sources are still what the tail relies on. */
const checkMs = 60_000;
const largestBatch = 20_000;
/** The server does the work, so a batch keeps no thread waiting; but it costs a dozen round trips, and a small one little else. */
export const postgresBatchMs = 400;
/** Births proved, or proved again, at a time. */
const auditRows = 10_000;
const auditBacklog = 5_000;
/** More than this waits to be settled: an operator is told. Nothing is ever skipped for it. */
const seenRangesLimit = 50_000;
const seenIdsLimit = 10_000_000;

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
  readonly #sweepLow = new Map<SourceName, number>();
  #sources: SourcesSql;
  #fit: ReadonlySet<SourceName> = new Set();
  #checkedAt = Number.NEGATIVE_INFINITY;
  #beatAt = Number.NEGATIVE_INFINITY;
  #limit = largestBatch;

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
      if (isConnectionLost(error)) this.#fences.forget();
      if (!(error instanceof Fenced)) throw error;
      this.#lease.lost();
      this.#fences.forget();
      return { kind: 'fenced' };
    }
  }

  /** A statement that fails for what a row holds is tried with fewer rows, until the row that it cannot take is alone and stands aside. */
  async #attempt(rows: number): Promise<TailStep> {
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
      if (!isFaultOfStatement(error)) throw error;
      if (rows > 1) return await this.#attempt(Math.max(1, Math.floor(rows / 8)));
      await this.#setAside(error as Error);
      return { kind: 'applied', rows: 1, settled: false };
    }
  }

  async #cycle(rows: number): Promise<TailStep> {
    const { session, monotonicMs } = this.#options;
    const fit = this.#readable();
    const { server } = session;
    const probe = (
      await session.run<ProbeRow>(
        this.#text('probe', () => probeSql(fit)),
        { fence: this.fence },
      )
    ).rows;
    if (probe.length === 0) throw new Fenced();
    const settles = await this.#fences.settled(
      fit,
      probe.filter((row) => row.head > row.low_water).map((row) => ({ source: row.source, ceiling: row.head })),
      server,
    );
    const beat = monotonicMs() - this.#beatAt >= heartbeatMs;
    const work = probe.some((row) => row.unread || row.drains || row.low_water - row.audited_upto >= auditBacklog);
    if (!work && !beat && settles.size === 0) return { kind: 'idle' };
    // A fence proves something only on the connection it was made on: another server may have been started in between.
    const proven = () => (session.server === server ? settles : new Map<SourceName, number>());
    const applied = await session.transaction((run) => this.#batch(run, rows, { probe, settles: proven(), beat }));
    for (const source of settles.keys()) this.#fences.done(source);
    if (beat || applied.rows > 0) this.#beatAt = monotonicMs();
    return applied.rows === 0 ? { kind: 'idle' } : { kind: 'applied', rows: applied.rows, settled: !applied.full };
  }

  async #batch(run: PostgresRun, rows: number, plan: Plan): Promise<{ rows: number; full: boolean }> {
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
    await this.#watch(run, cursors, plan, at);
    if (active && type?.pending === true) {
      const drained = await this.#drain(run, rows, at);
      await this.#heartbeat(run, cursors, at);
      return { rows: drained, full: true };
    }
    const unread = plan.probe.filter((row) => row.unread).length;
    const share = Math.max(1, Math.ceil(rows / Math.max(1, unread)));
    const settled: SourceName[] = [];
    let applied = 0;
    let full = false;
    for (const cursor of cursors) {
      const probed = plan.probe.find((row) => row.source === cursor.source);
      const upto = plan.settles.get(cursor.source);
      if (!this.#fit.has(cursor.source) || (probed?.unread !== true && upto === undefined)) continue;
      const done = await this.#apply(run, cursor, 'fresh', active, { rows: share, now: at });
      applied += done.row_count;
      const isFull = done.row_count === share;
      full ||= isFull;
      // A full batch has read everything up to its last id; what is above was not read.
      if (upto !== undefined) await this.#settle(run, cursor, isFull ? Math.min(upto, done.last_id) : upto);
      if (isFull || cursor.next_id !== null) await run(this.#text(`next ${cursor.source}`, () => nextSql(this.#sources[cursor.source])));
      if (!isFull) settled.push(cursor.source);
    }
    if (applied === 0) await this.#audit(run, active, at, Math.min(Math.max(rows, 1_000), auditRows));
    await this.#heartbeat(run, cursors, at, settled);
    return { rows: applied, full };
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
    const { rows } = await run<Counted>(sql, { ...params, environment, settled_upto });
    return rows[0] ?? { row_count: 0, last_id: 0 };
  }

  async #drain(run: PostgresRun, rows: number, now: string): Promise<number> {
    const { rows: counted } = await run<{ row_count: number }>(drainSql, { rows, now, environment: this.#options.environment });
    return counted[0]?.row_count ?? 0;
  }

  /** Proves what is settled and was not proved yet, and a slice of the rest again; a hole, whatever made it, is mended at once. */
  async #audit(run: PostgresRun, emits: boolean, now: string, rows: number): Promise<void> {
    for (const source of this.#fit) {
      const cursor = (await run<HeldCursor>('SELECT * FROM handoff_cursor WHERE source = :source AND shard = 0', { source })).rows[0];
      if (cursor === undefined) continue;
      const { low_water, audited_upto } = cursor;
      if (low_water > audited_upto) {
        const fresh = await this.#prove(run, cursor, emits, now, { low: audited_upto, high: low_water, rows });
        // A quarantined row stays unproved, so that it is counted as long as it is open.
        if (fresh.holes === null && fresh.held_count === 0) {
          const high = fresh.row_count < rows ? low_water : fresh.last_id;
          await run('UPDATE handoff_cursor SET audited_upto = :high WHERE source = :source AND shard = 0', { high, source });
        }
      }
      const low = this.#sweepLow.get(source) ?? 0;
      const old = await this.#prove(run, cursor, emits, now, { low, high: audited_upto, rows });
      this.#sweepLow.set(source, old.row_count < rows ? 0 : old.last_id);
    }
  }

  async #prove(
    run: PostgresRun,
    cursor: HeldCursor,
    emits: boolean,
    now: string,
    range: { readonly low: number; readonly high: number; readonly rows: number },
  ): Promise<Audited> {
    const none = { row_count: 0, last_id: 0, holes: null, held_count: 0 };
    if (range.high <= range.low) return none;
    const { source } = cursor;
    const sql = this.#text(`audit ${source}`, () => auditSql(this.#sources[source]));
    const [found = none] = (await run<Audited>(sql, range)).rows;
    if (found.holes === null) return found;
    const everything = { rows: Number.MAX_SAFE_INTEGER, now };
    await this.#apply(run, cursor, 'ids', emits, { ...everything, ids: found.holes });
    if (!this.#fit.has('registry_changelog')) return found;
    // What was lost of an object may be more than the row that told of it.
    const [history] = (await run<{ ids: string | null }>(historySql(this.#sources, source), { ids: found.holes })).rows;
    if (history?.ids != null) {
      await this.#apply(run, { ...cursor, source: 'registry_changelog' }, 'ids', emits, { ...everything, ids: history.ids });
    }
    return found;
  }

  /** `settled`: of these sources nothing that can be seen was left to read. */
  async #heartbeat(run: PostgresRun, cursors: readonly HeldCursor[], at: string, settled: readonly SourceName[] = []): Promise<void> {
    const polled = cursors.map((cursor) => cursor.last_poll_at).sort()[0] ?? null;
    const told = cursors.find((cursor) => cursor.stale_since !== null)?.stale_since ?? null;
    const silent = polled !== null && Date.parse(at) - Date.parse(polled) > staleAfterMs;
    if (told === null && silent) await this.#say(run, 'handoff.stale', { last_poll_at: polled }, at);
    if (told !== null || silent) await this.#say(run, 'handoff.recovered', { stale_since: told ?? polled }, at);
    await this.#lease.renew(run, at, settled);
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

  /** What says that rows were lost or may hide: a head behind what was read, a known row that is gone, a table that was emptied. */
  async #watch(run: PostgresRun, cursors: readonly HeldCursor[], { probe, beat }: Plan, at: string): Promise<void> {
    for (const cursor of cursors) {
      const { source, low_water, last_seen } = cursor;
      if (!this.#fit.has(source)) continue;
      const head = probe.find((row) => row.source === source)?.head ?? 0;
      const read = Math.max(low_water, last_seen);
      if (head < read)
        await this.#alarm(run, source, at, {
          coverage: 'drift',
          detail: `the source is at id ${head}, behind the cursor at ${read}: it was restored, truncated or rewound`,
        });
      if (cursor.next_gone)
        await this.#alarm(run, source, at, {
          coverage: 'pruned',
          detail: `row ${cursor.next_id} and perhaps others were removed before they were read`,
        });
      if (cursor.seen_ranges > seenRangesLimit || last_seen - low_water > seenIdsLimit)
        await this.#alarm(run, source, at, {
          coverage: 'behind',
          detail: `${last_seen - low_water} ids wait to be settled: a transaction that writes to the source does not end`,
        });
      if (beat) await this.#examine(run, cursor, at);
    }
  }

  async #examine(run: PostgresRun, { source, low_water, source_files }: HeldCursor, at: string): Promise<void> {
    type Row = { files: string | null; has_old: boolean };
    const [found] = (await run<Row>(this.#text(`examine ${source}`, () => examineSql(this.#sources[source])))).rows;
    if (found === undefined || found.files === source_files) return;
    if (source_files !== null && low_water > 0 && !found.has_old)
      await this.#alarm(run, source, at, {
        coverage: 'pruned',
        detail: `the table was truncated: nothing up to id ${low_water} is there any more`,
      });
    await run('UPDATE handoff_cursor SET source_files = :files WHERE source = :source', { files: found.files, source });
  }

  /** The first look after a takeover: is it still the server, and were rows removed while nobody read? */
  async #arrive(epoch: { readonly before: string | null; readonly now: string }): Promise<void> {
    this.#fences.forget();
    this.#beatAt = Number.NEGATIVE_INFINITY;
    await this.#options.session.transaction(async (run) => {
      const at = await serverNow(run);
      for (const source of sourceNames) {
        const alarm = judgeEpoch(epoch.before, epoch.now);
        if (alarm !== null) await this.#alarm(run, source, at, alarm);
        if (!this.#fit.has(source)) continue;
        type Row = { has_old: boolean; collapsed: boolean; first_above: number | null };
        const [found] = (await run<Row>(examineSql(this.#sources[source]))).rows;
        const { rows } = await run<{ low_water: number }>('SELECT low_water FROM handoff_cursor WHERE source = :source', { source });
        const low = rows[0]?.low_water ?? 0;
        if (found === undefined || low === 0 || found.has_old || !found.collapsed || found.first_above === null) continue;
        if (found.first_above > low + 1)
          await this.#alarm(run, source, at, {
            coverage: 'pruned',
            detail: `rows ${low + 1} to ${found.first_above - 1} are not there, nor is anything before them: they were removed before they were read`,
          });
      }
    });
  }

  /** An alarm stays until an operator resumes: what was lost does not come back by reading on. */
  async #alarm(run: PostgresRun, source: SourceName, at: string, alarm: CursorAlarm): Promise<void> {
    const { coverage, detail } = alarm;
    await run('UPDATE handoff_cursor SET alarm = :text WHERE source = :source AND alarm IS NULL', {
      text: JSON.stringify({ coverage, detail, raised_at: at }),
      source,
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
      await session.transaction(async (run) =>
        this.#alarm(run, source, await serverNow(run), { coverage: 'drift', detail: details.join('; ') }),
      );
    }
  }

  async #setAside(error: Error): Promise<void> {
    await this.#options.session.transaction(async (run) => {
      const fit = this.#readable();
      const cursors = (await run<HeldCursor>(holdSql(fit), { fence: this.fence })).rows;
      if (cursors.length < sourceNames.length) throw new Fenced();
      const now = cursors[0]?.now ?? '';
      // Which of the two it was is not known: the first that has something unread gives its first row.
      for (const source of fit) {
        const { count } = await run(setAsideSql(source), { error: error.message, now });
        if (count > 0) return;
      }
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

async function serverNow(run: PostgresRun): Promise<string> {
  const { rows } = await run<{ now: string }>(nowSql);
  return rows[0]?.now ?? '';
}

function judgeEpoch(before: string | null, now: string): CursorAlarm | null {
  if (before === null || before === now) return null;
  const [oldSystem] = before.split(':');
  const [system] = now.split(':');
  if (oldSystem !== system)
    return { coverage: 'drift', detail: `this is another server (${now}, before ${before}): it was restored from a dump or replaced` };
  // Source and cursor went back together, so nothing needs reading again; but births that were acknowledged may be gone.
  return { coverage: 'pruned', detail: `the server was failed over or restored to a point in time (${now}, before ${before})` };
}
