import type { PostgresRun } from '../db/index.ts';
import { type SourceName, sourceNames } from './source.postgres.ts';
import { type HeldCursor, watchSource } from './tail-alarm.postgres.ts';
import { TailAudit } from './tail-audit.postgres.ts';
import { closeBatch } from './tail-close.postgres.ts';
import type { TailFences } from './tail-fence.postgres.ts';
import { failFirst, mendRows, releaseRows } from './tail-mend.postgres.ts';
import type { TailSources } from './tail-source.postgres.ts';
import { changelogSql, drainSql, eventTypeSql, holdSql, type Reading, registrySql, setAsideSql, settleSql } from './tail-sql.postgres.ts';

/** The lease is another's: nothing of this transaction may stand. */
export class Fenced extends Error {}

/** What the probe found of a source. */
export type ProbeRow = {
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
export type BatchPlan = {
  readonly probe: readonly ProbeRow[];
  /** The probe was made for this batch, so its heads are those of now. */
  readonly fresh: boolean;
  readonly settles: ReadonlyMap<SourceName, number>;
  readonly beat: boolean;
};
/** What a batch came to; `full`: sources of which more waits. */
type Done = { readonly rows: number; readonly full: ReadonlySet<SourceName>; readonly draining: boolean; readonly paused: boolean };

type BatchesOptions = {
  readonly sources: TailSources;
  readonly fences: TailFences;
  readonly environment: string;
  readonly fence: () => number;
};

/** What the tail does inside a transaction: each of it holds the cursors by fence and lease first. */
export class TailBatches {
  readonly #options: BatchesOptions;
  readonly #sources: TailSources;
  readonly #audit = new TailAudit();
  /** Whose rows the statement under way applies: where it fails for what a row holds, it is a row of this source. */
  applying: SourceName | null = null;

  constructor(options: BatchesOptions) {
    this.#options = options;
    this.#sources = options.sources;
  }

  /** Reads and applies at most `rows` rows, moves the low water, and says that the tail lives. */
  async fill(run: PostgresRun, rows: number, plan: BatchPlan): Promise<Done> {
    const { cursors, at } = await this.#hold(run);
    const paused = cursors.some((cursor) => cursor.paused);
    const { active, pending } = await this.#eventType(run);
    for (const cursor of cursors) {
      const head = plan.fresh ? (plan.probe.find((row) => row.source === cursor.source)?.head ?? null) : null;
      if (this.#sources.fit.has(cursor.source)) await watchSource(run, this.#sources.sql[cursor.source], cursor, head, plan.beat);
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
      await this.#audit.audit(run, { sources: this.#sources.sql, fit: this.#sources.fit, rows, reapply });
    }
    await this.#close(run, cursors, at, full, read);
    return { rows: applied, full, draining, paused };
  }

  async #settle(run: PostgresRun, { source }: HeldCursor, upto: number): Promise<void> {
    await run(
      this.#sources.text(`settle ${source}`, () => settleSql(this.#sources.sql[source])),
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
        ? registrySql(this.#sources.sql.birth_registry, reading, emits)
        : changelogSql(this.#sources.sql, reading, emits, exact),
    );
    const { environment } = this.#options;
    this.applying = source;
    const { rows } = await run<Counted>(sql, { ...params, environment, settled_upto });
    this.applying = null;
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
    const { environment, fences, fence } = this.#options;
    await closeBatch(run, { sources: this.#sources, fences, environment, fence: fence(), cursors, at, full, read });
  }

  async #hold(run: PostgresRun): Promise<{ readonly cursors: readonly HeldCursor[]; readonly at: string }> {
    const sql = this.#sources.text('hold', () => holdSql(this.#sources.readable()));
    const cursors = (await run<HeldCursor>(sql, { fence: this.#options.fence() })).rows;
    if (cursors.length < sourceNames.length) throw new Fenced();
    return { cursors, at: cursors[0]?.now ?? '' };
  }

  async #eventType(run: PostgresRun): Promise<{ readonly active: boolean; readonly pending: boolean }> {
    return (await run<{ active: boolean; pending: boolean }>(eventTypeSql)).rows[0] ?? { active: false, pending: false };
  }

  /** Puts the first unread row aside, one that no statement takes; `plainly` where not even its columns can be written down. */
  async setAside(
    run: PostgresRun,
    { source, error, plainly }: { readonly source: SourceName; readonly error: string; readonly plainly: boolean },
  ): Promise<void> {
    const { at } = await this.#hold(run);
    await run(setAsideSql(this.#sources.sql[source], plainly), { error, now: at });
  }

  /** Applies rows of the quarantine again that somebody asked for; how many were tried. */
  async mend(run: PostgresRun, rows: number): Promise<number> {
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
  }

  /** The first row of the quarantine that was asked for failed by itself. */
  async failFirst(run: PostgresRun, error: string): Promise<void> {
    const { at } = await this.#hold(run);
    await failFirst(run, this.#sources.readable(), error, at);
  }
}
