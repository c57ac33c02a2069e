import { BatchSize, busyTargetMs, idleTargetMs, staleAfterMs, staleHandoff } from '@govctl/core/handoff';
import type { Journal } from '../journal/index.ts';
import type { Tail } from './tail-port.ts';

export type TailObserver = { batch(measure: { readonly rows: number; readonly milliseconds: number }): void };

export type TailLoopOptions = {
  readonly tail: Tail;
  readonly journal: Journal;
  readonly environment: string;
  readonly now: () => string;
  /** Whether others wait for this thread or for the database. */
  readonly busy: () => boolean;
  /** A number from 0 to 1: pauses of several daemons must not fall into step. */
  readonly jitter: () => number;
  /** What a batch may take while nobody waits, in milliseconds. */
  readonly idleMs?: number;
  readonly observer?: TailObserver;
};

const shortestPauseMs = 10;
const longestPauseMs = 500;

/**
 * The rounds of the tail: batches back to back while there is work, then pauses that grow from 10 to 500 ms. A wake-up shortens a
 * pause and is only a hint; the polling is the guarantee. Between batches the event loop turns, so requests are answered while a
 * million rows are drained.
 */
export class TailLoop {
  readonly #options: TailLoopOptions;
  readonly #size = new BatchSize();
  #pauseMs = shortestPauseMs;
  #started = false;
  #failure: string | null = null;
  #failingSince: number | null = null;

  constructor(options: TailLoopOptions) {
    this.#options = options;
  }

  /** Why the tail does not read, or null while it does. */
  get blocker(): string | null {
    return this.#failure;
  }

  /** Births were written: poll at once, and often for a while. */
  woken(): void {
    this.#pauseMs = shortestPauseMs;
  }

  /** One batch. The answer is the pause before the next, in milliseconds. */
  async round(): Promise<number> {
    const { tail, busy, observer } = this.#options;
    const started = performance.now();
    try {
      if (!this.#started) await tail.start();
      this.#started = true;
      const targetMs = busy() ? busyTargetMs : (this.#options.idleMs ?? idleTargetMs);
      const step = await tail.step(this.#size.rows(targetMs), targetMs);
      this.#failure = step.kind === 'fenced' ? 'another daemon took the tail over' : null;
      this.#failingSince = null;
      if (step.kind === 'fenced') return longestPauseMs;
      if (step.kind === 'standby') return step.retry_ms;
      if (step.kind === 'paused') return longestPauseMs;
      if (step.kind === 'applied') {
        const milliseconds = performance.now() - started;
        // What takes the time is passing rows: a batch that applied few of many was no small one.
        this.#size.learn(step.looked ?? step.rows, milliseconds);
        observer?.batch({ rows: step.rows, milliseconds });
        this.#pauseMs = shortestPauseMs;
        return step.settled ? shortestPauseMs : 0;
      }
      // Half of the time at most: others come first, and proving has to end.
      if (step.kind === 'idle' && step.proving === true) return Math.max(shortestPauseMs, performance.now() - started);
      const pause = this.#pauseMs * (0.75 + this.#options.jitter() / 2);
      this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 1.5);
      return pause;
    } catch (error) {
      this.#failure = `the tail cannot read or write: ${(error as Error).message}`;
      await this.#sayStale();
      throw error;
    }
  }

  /** The tail's own heartbeat cannot say that it stopped; this does, as far as the database still takes it. */
  async #sayStale(): Promise<void> {
    const { journal, now, environment } = this.#options;
    const at = now();
    this.#failingSince ??= Date.parse(at);
    if (Date.parse(at) - this.#failingSince <= staleAfterMs) return;
    const last_poll_at = new Date(this.#failingSince).toISOString();
    await journal.commit(staleHandoff({ at, environment, last_poll_at })).catch(() => undefined);
  }
}
