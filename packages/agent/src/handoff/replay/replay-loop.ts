import { BatchSize, busyTargetMs, completeReplay, idleTargetMs, type ReplayRow } from '@govctl/core/handoff';
import type { Database } from '../../db/index.ts';
import type { Journal } from '../../journal/index.ts';
import type { Replayer } from './port.ts';
import { nextReplay } from './queries.ts';

export type ReplayLoopOptions = {
  readonly replayer: Replayer;
  readonly database: Database;
  readonly journal: Journal;
  readonly holder: string;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  /** Whether others wait for this thread or for the database. */
  readonly busy: () => boolean;
  readonly monotonicMs: () => number;
  /** Rows that were run again. */
  readonly replayed: (rows: number) => void;
};

const idlePauseMs = 2_000;
const waitingPauseMs = 500;
/** A batch proves each row by several look-ups, and one that lacks something costs a dozen statements. */
const largestBatch = 5_000;

/**
 * The rounds of replays: one at a time in the deployment, the oldest first, batch by batch from its checkpoint. The live tail goes on
 * beside it, and is never moved by it.
 */
export class ReplayLoop {
  readonly #options: ReplayLoopOptions;
  readonly #size = new BatchSize();

  constructor(options: ReplayLoopOptions) {
    this.#options = options;
  }

  /** One batch. The answer is the pause before the next, in milliseconds. */
  async round(): Promise<number> {
    const { database, replayer, busy, monotonicMs, replayed } = this.#options;
    const [[replay]] = await database.read([nextReplay({})]);
    if (replay === undefined) {
      await replayer.rest();
      return idlePauseMs;
    }
    if (replay.position >= replay.to_id) return await this.#complete(replay);
    const started = monotonicMs();
    const rows = Math.min(this.#size.rows(busy() ? busyTargetMs : idleTargetMs), largestBatch, replay.rate ?? largestBatch);
    const step = await replayer.step(replay.replay_id, rows);
    if (step.kind !== 'applied') return step.kind === 'waiting' ? waitingPauseMs : idlePauseMs;
    const took = monotonicMs() - started;
    this.#size.learn(step.rows, took);
    replayed(step.rows);
    return replay.rate === null ? 0 : Math.max(0, (step.rows / replay.rate) * 1000 - took);
  }

  async #complete(replay: ReplayRow): Promise<number> {
    const { journal, deployment, randomHex, holder, now } = this.#options;
    const result = await journal.commit(completeReplay({ ...deployment, at: now(), salt: randomHex(16) }, replay, holder));
    // Another host holds the lease, or it was stopped just now: the next round finds out.
    return result.ok ? 0 : waitingPauseMs;
  }
}
