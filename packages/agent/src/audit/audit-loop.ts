import type { Logger } from 'pino';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import type { UndoneSagas } from '../promotion/undone.ts';
import { findOverdue } from './overdue.ts';
import { type PeriodicDependencies, reconcilePeriodically } from './periodic.ts';

export type AuditLoopOptions = PeriodicDependencies & {
  readonly undone: Pick<UndoneSagas, 'record'>;
  readonly checkEveryMs: number;
  readonly logger: Logger;
  readonly watch: LoopWatch;
};

/** Looks for runs that are past what they owe, often; and reconciles everything, now and then. */
export function startAudit(options: AuditLoopOptions): { stop(): Promise<void> } {
  const { now, logger, watch, checkEveryMs } = options;
  const overdue = startLoop({
    name: 'audit',
    now,
    logger,
    watch,
    round: async () => {
      const found = await findOverdue(options);
      if (found > 0) logger.warn({ runs: found }, 'runs are past what they owe: govctl reconcile');
      await options.undone.record();
      return checkEveryMs;
    },
  });
  let first = true;
  const everything = startLoop({
    name: 'reconcile',
    now,
    logger,
    watch,
    round: async (signal, goesOn) => {
      // A daemon that starts has other things to do.
      if (first) {
        first = false;
        return Math.min(options.reconcileEveryMs, firstAfterMs);
      }
      return await reconcilePeriodically(options, { signal, goesOn });
    },
  });
  return {
    async stop() {
      await Promise.all([overdue.stop(), everything.stop()]);
    },
  };
}

const firstAfterMs = 600_000;
