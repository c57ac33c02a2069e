import { holdLease } from '@govctl/core/lease';
import { type PostgresRun, type PostgresSession, type SqlParams, textFor } from '../../db/index.ts';
import { leaseWriteSql } from '../../lease/write-sql.ts';
import { type SourceName, type SourcesSql, sourceNames } from '../source.postgres.ts';
import { changelogSql, registrySql } from '../tail-sql.postgres.ts';
import { advanceSql, checkpointSql, type ReplayCheckpoint, type Replayer, type ReplayProof, type ReplayStep } from './port.ts';
import { cursorsSql, objectRowsSql, replayProofSql } from './replay-sql.postgres.ts';

export type PostgresReplayerOptions = {
  /** A connection of its own, opened while there is something to run. */
  readonly open: () => PostgresSession;
  readonly holder: string;
  readonly environment: string;
  readonly now: () => string;
  /** The sources as the catalog was found last, and which of them can be read at all. */
  readonly sources: () => SourcesSql;
  readonly fit: () => ReadonlySet<SourceName>;
};

type Proof = ReplayProof & { readonly holes: string | null };
type Cursor = { readonly source: SourceName; readonly read_upto: number; readonly settled_upto: number };

/** Left without an answer: the transaction is rolled back, and this is what the caller is told. */
class Nothing extends Error {
  readonly step: ReplayStep;
  constructor(step: ReplayStep) {
    super('nothing was run');
    this.step = step;
  }
}

/** Several hosts may hold one; a batch commits only for the holder of the lease, and never beside a batch of the tail. */
export class PostgresReplayer implements Replayer {
  readonly #options: PostgresReplayerOptions;
  #session: PostgresSession | undefined;

  constructor(options: PostgresReplayerOptions) {
    this.#options = options;
  }

  async rest(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async step(replayId: string, rows: number): Promise<ReplayStep> {
    this.#session ??= this.#options.open();
    try {
      return await this.#session.transaction((run) => this.#batch(run, replayId, rows));
    } catch (error) {
      if (error instanceof Nothing) return error.step;
      throw error;
    }
  }

  async #batch(run: PostgresRun, replayId: string, rows: number): Promise<ReplayStep> {
    const { now, holder } = this.#options;
    const at = now();
    const lease = holdLease('handoff-replay', holder, at);
    const { count } = await run(textFor('postgres', leaseWriteSql['lease.hold'].sql), lease.values as SqlParams);
    if (count === 0) throw new Nothing({ kind: 'standby' });
    const cursors = (await run<Cursor>(cursorsSql)).rows;
    const [replay] = (await run<ReplayCheckpoint>(`${checkpointSql} FOR UPDATE`, { replay_id: replayId })).rows;
    if (replay === undefined || replay.status !== 'running') throw new Nothing({ kind: 'standby' });
    const { source, object_key, position, to_id } = replay;
    const high = Math.min(to_id, cursors.find((cursor) => cursor.source === source)?.read_upto ?? 0);
    if (position >= high || !this.#options.fit().has(source)) throw new Nothing({ kind: 'waiting' });
    const slice = { low: position, high, rows, ...(object_key === null ? {} : { object_key }) };
    const [proof] = (await run<Proof>(replayProofSql(this.#options.sources()[source], object_key !== null), slice)).rows;
    if (proof === undefined) throw new Nothing({ kind: 'waiting' });
    if (proof.holes !== null) await this.#restore(run, source, proof.holes, cursors, at);
    const { row_count, last_id, candidates, events, changes, held_rows } = proof;
    const mended = { candidates, events, changes };
    const reached = row_count < rows ? high : last_id;
    await run(advanceSql, { replay_id: replayId, position: reached, row_count, held_rows, at, ...mended });
    return { kind: 'applied', rows: row_count, mended };
  }

  /** All that was read of the objects of these ids. Events are captured: the tail delivers them, in their order, where their type is active. */
  async #restore(run: PostgresRun, source: SourceName, holes: string, cursors: readonly Cursor[], now: string): Promise<void> {
    const { environment } = this.#options;
    const sources = this.#options.sources();
    for (const name of sourceNames) {
      if (!this.#options.fit().has(name)) continue;
      const [found] = (await run<{ ids: string | null }>(objectRowsSql(sources[name], sources[source]), { ids: holes })).rows;
      if (found?.ids == null) continue;
      const settled_upto = cursors.find((cursor) => cursor.source === name)?.settled_upto ?? 0;
      const sql =
        name === 'birth_registry' ? registrySql(sources.birth_registry, 'again', false) : changelogSql(sources, 'again', false, true);
      await run(sql, { ids: found.ids, rows: Number.MAX_SAFE_INTEGER, now, environment, settled_upto });
    }
  }
}
