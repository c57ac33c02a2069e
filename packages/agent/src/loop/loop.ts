import type { Logger } from 'pino';
import type { LoopWatch } from './loop-watch.ts';

/** A background loop that cycles until it is stopped; a round that throws is logged and the next one comes after a pause. */
export type Loop = {
  /** A hint that there is work; correctness never depends on it. */
  wake(): void;
  stop(): Promise<void>;
  /** When the last round ended well, RFC 3339; null before the first. */
  readonly lastRoundAt: string | null;
};

export type LoopOptions = {
  readonly name: string;
  /**
   * One round; the answer is the pause before the next, in milliseconds. One that takes long says from time to time that it goes on, and
   * ends when its signal says so.
   */
  readonly round: (signal: AbortSignal, goesOn: () => void) => Promise<number>;
  readonly now: () => string;
  readonly logger: Logger;
  /** Told of the loop, so that a round that hangs is noticed. */
  readonly watch: LoopWatch;
  readonly monotonicMs?: () => number;
  /** Pause after a round that failed, in milliseconds. */
  readonly failurePause?: number;
};

/** A failure that goes on is told of again after so long: what is said of a full disk must not fill it. */
const repeatMs = 60_000;

/** Starts a loop at once. */
export function startLoop(options: LoopOptions): Loop {
  const stopping = new AbortController();
  let wakeUp: () => void = () => {};
  let woken = false;
  let lastRoundAt: string | null = null;
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  let roundSince: number | null = null;
  const failures = tellFailures(options, monotonicMs);
  const unwatch = options.watch.add({ name: options.name, roundMs: () => (roundSince === null ? 0 : monotonicMs() - roundSince) });

  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(done, milliseconds);
      function done() {
        clearTimeout(timer);
        wakeUp = () => {};
        resolve();
      }
      wakeUp = done;
      if (woken || stopping.signal.aborted) done();
      woken = false;
    });

  const running = (async () => {
    while (!stopping.signal.aborted) {
      let next: number;
      roundSince = monotonicMs();
      try {
        next = await options.round(stopping.signal, () => {
          roundSince = monotonicMs();
        });
        lastRoundAt = options.now();
        failures.over();
      } catch (error) {
        if (stopping.signal.aborted) break;
        failures.another(error);
        next = options.failurePause ?? 1000;
      }
      roundSince = null;
      await pause(next);
    }
  })().finally(unwatch);

  return {
    wake() {
      woken = true;
      wakeUp();
    },
    async stop() {
      stopping.abort();
      wakeUp();
      await running;
    },
    get lastRoundAt() {
      return lastRoundAt;
    },
  };
}

/** Says a failure once, and what became of it: while it goes on the same, only now and then with how often. */
function tellFailures({ name: loop, logger }: LoopOptions, monotonicMs: () => number) {
  let standing: { readonly message: string; readonly toldAt: number } | null = null;
  let rounds = 0;
  return {
    another(error: unknown) {
      rounds += 1;
      const message = error instanceof Error ? error.message : String(error);
      if (standing?.message === message && monotonicMs() - standing.toldAt < repeatMs) return;
      standing = { message, toldAt: monotonicMs() };
      logger.error({ loop, err: error, ...(rounds === 1 ? {} : { rounds }) }, 'a round failed; the loop goes on');
    },
    over() {
      if (standing === null) return;
      logger.info({ loop, rounds }, 'rounds end well again');
      standing = null;
      rounds = 0;
    },
  };
}
