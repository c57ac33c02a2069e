import type { Logger } from 'pino';
import type { Readiness } from '../system/readiness.ts';
import type { Notify } from './notify.ts';

/** A started daemon as its supervisor sees it. */
export type Supervised = {
  readiness(): Readiness;
  /** Loops whose present round has lasted longer than this. */
  stalled(limitMs: number): readonly string[];
};

export type Supervision = {
  /** Around a reload: systemd waits until it is over. */
  reloading(work: () => Promise<string>): Promise<void>;
  /** The daemon ends itself within this many milliseconds. */
  stopping(withinMs: number): void;
};

export type SupervisionOptions = {
  readonly daemon: Supervised;
  readonly notify: Notify;
  readonly logger: Logger;
  /** `WATCHDOG_USEC`: how long systemd waits for a sign of life, in microseconds; 0 when it does not. */
  readonly watchdogUsec: number;
  /** CLOCK_MONOTONIC in microseconds: systemd compares it with its own. */
  readonly monotonicUsec: () => bigint;
  readonly every?: (milliseconds: number, work: () => void) => () => void;
};

/** What is asked for while the daemon serves but is not ready: it goes on, and systemd must not end it for that. */
const patienceUsec = 30_000_000;
const beforeReadyMs = 250;
const withoutWatchdogMs = 5000;

/**
 * Tells systemd how the daemon is. READY=1 comes when `/readyz` would answer 200. From then on a sign of life is sent four times in
 * the watchdog's time, and only while every loop makes progress: this runs on the event loop, so it also stops when that is blocked.
 * A round may take half of the watchdog's time. Not ready is not hung: reads and births go on, so the signs of life do too, and the
 * status says what is missing.
 */
export function startSupervision(options: SupervisionOptions): Supervision {
  const { daemon, notify, logger, watchdogUsec } = options;
  const every = options.every ?? repeat;
  const periodMs = watchdogUsec > 0 ? watchdogUsec / 1000 / 4 : withoutWatchdogMs;
  const limitMs = watchdogUsec > 0 ? watchdogUsec / 1000 / 2 : Number.POSITIVE_INFINITY;
  let ready = false;
  let told = '';
  let hung = '';
  /** What the last reload left to be said. */
  let remark = '';
  let end = () => {};

  const status = (readiness: Readiness): string => {
    const missing = readiness.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
    return `${missing.length === 0 ? 'serving' : `serving, but not ready: ${missing.join('; ')}`}${remark === '' ? '' : `; ${remark}`}`;
  };

  const beat = () => {
    const stalled = daemon.stalled(limitMs).join(', ');
    if (stalled !== hung && stalled !== '') {
      logger.fatal({ loops: stalled }, 'a loop hangs: no more signs of life, so that the supervisor restarts govd');
      notify({ STATUS: `hung: ${stalled}` });
      told = '';
    }
    hung = stalled;
    if (stalled !== '') return;
    const readiness = daemon.readiness();
    const text = status(readiness);
    const news: Record<string, string> = text === told ? {} : { STATUS: text };
    told = text;
    if (!ready && readiness.ready) {
      ready = true;
      notify({ READY: 1, ...news });
      end();
      end = every(periodMs, beat);
    } else if (ready) notify({ WATCHDOG: 1, ...news });
    else notify({ EXTEND_TIMEOUT_USEC: patienceUsec, ...news });
  };

  end = every(beforeReadyMs, beat);
  beat();

  return {
    async reloading(work) {
      // Before READY=1 there is no reload to tell of.
      if (ready) notify({ RELOADING: 1, MONOTONIC_USEC: String(options.monotonicUsec()), STATUS: 'reading the configuration again' });
      remark = await work();
      told = status(daemon.readiness());
      notify({ ...(ready ? { READY: 1 } : {}), STATUS: told });
    },
    stopping(withinMs) {
      end();
      notify({ STOPPING: 1, EXTEND_TIMEOUT_USEC: Math.round(withinMs * 1000), STATUS: 'draining: requests under way are answered' });
    },
  };
}

function repeat(milliseconds: number, work: () => void): () => void {
  const timer = setInterval(work, milliseconds);
  timer.unref();
  return () => clearInterval(timer);
}
