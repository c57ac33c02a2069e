import type { ReplayMend } from '@govctl/core/handoff';
import { holdLease } from '@govctl/core/lease';
import { type SqliteHandle, type SqlParams, StatementCache, textFor } from '../../db/index.ts';
import { leaseWriteSql } from '../../lease/write-sql.ts';
import { advanceSql, checkpointSql, type ReplayCheckpoint, type Replayer, type ReplayProof, type ReplayStep } from './port.ts';
import { replayProofSql, restoreSql } from './replay-sql.ts';

export type SqliteReplayerOptions = {
  /** A connection of govd.db with births attached (`attachBirths`). */
  readonly handle: SqliteHandle;
  readonly holder: string;
  readonly now: () => string;
};

type Source = ReplayCheckpoint['source'];
type Proof = ReplayProof & { readonly keys: string };
const sourceNames = ['birth_registry', 'registry_changelog'] as const;

/** Like the tail it runs on the thread of the journal and holds no transaction across an await. */
export class SqliteReplayer implements Replayer {
  readonly #options: SqliteReplayerOptions;
  readonly #cache: StatementCache;

  constructor(options: SqliteReplayerOptions) {
    this.#options = options;
    this.#cache = new StatementCache(options.handle);
  }

  rest(): void {}

  step(replayId: string, rows: number): ReplayStep {
    const { handle } = this.#options;
    // Plain BEGIN, and the lease first: that locks govd.db alone, and a birth waits for nothing.
    handle.exec('BEGIN');
    try {
      const step = this.#batch(replayId, rows);
      handle.exec(step.kind === 'applied' ? 'COMMIT' : 'ROLLBACK');
      return step;
    } catch (error) {
      if (handle.inTransaction) handle.exec('ROLLBACK');
      throw error;
    }
  }

  #batch(replayId: string, rows: number): ReplayStep {
    const at = this.#options.now();
    const lease = holdLease('handoff-replay', this.#options.holder, at);
    const { changes } = this.#run(textFor('sqlite', leaseWriteSql['lease.hold'].sql), lease.values as SqlParams);
    if (changes === 0) return { kind: 'standby' };
    const replay = this.#get<ReplayCheckpoint>(checkpointSql, { replay_id: replayId });
    if (replay === undefined || replay.status !== 'running') return { kind: 'standby' };
    const { source, object_key, position, to_id } = replay;
    const high = Math.min(to_id, this.#readUpto(source));
    if (position >= high) return { kind: 'waiting' };
    const slice = { low: position, high, rows, ...(object_key === null ? {} : { object_key }) };
    const proof = this.#get<Proof>(replayProofSql(source, object_key !== null), slice);
    if (proof === undefined) return { kind: 'waiting' };
    for (const key of JSON.parse(proof.keys) as string[]) this.#restore(key, at);
    const { row_count, last_id, candidates, events, changes: changed, held_rows } = proof;
    const mended: ReplayMend = { candidates, events, changes: changed };
    this.#run(advanceSql, {
      replay_id: replayId,
      position: row_count < rows ? high : last_id,
      row_count,
      held_rows,
      at,
      ...mended,
    });
    return { kind: 'applied', rows: row_count, mended };
  }

  #restore(key: string, now: string): void {
    const after_key = this.#get<{ after_key: string | null }>(restoreSql.keyBefore, { key })?.after_key ?? '';
    for (const source of sourceNames) {
      const high = this.#readUpto(source);
      this.#run(restoreSql.capture[source], { key, high, now });
      for (const sql of restoreSql.candidates[source]) this.#run(sql, { after_key, to_key: key, low: 0, high, now });
    }
  }

  /** Never above what the tail has read: a change applied early would hide the older ones from it. */
  #readUpto(source: Source): number {
    return (
      this.#get<{ low_water: number }>('SELECT min(low_water) AS low_water FROM handoff_cursor WHERE source = :source', { source })
        ?.low_water ?? 0
    );
  }

  #get<Row>(sql: string, params: SqlParams): Row | undefined {
    return this.#cache.get(sql).get(params) as Row | undefined;
  }

  #run(sql: string, params: SqlParams): { readonly changes: number } {
    return this.#cache.get(sql).run(params);
  }
}
