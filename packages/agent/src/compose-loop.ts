import { durationMs } from '@govctl/core/policy';
import { startAudit } from './audit/audit-loop.ts';
import type { Domains } from './compose-domain.ts';
import type { Ground } from './compose-ground.ts';
import { startLoop } from './loop/loop.ts';
import { watchPauses } from './promotion/pause-loop.ts';
import { requeueDeferred } from './promotion/requeue.ts';

/** Starts what looks after runs: asks deferred ones again, finds those that are past what they owe, and watches pauses. */
export function startRunLoops(opened: AsyncDisposableStack, ground: Ground, { promotion, jobs, events, reconciling }: Domains): void {
  const { shared, live, objects, metrics, logger, loops: watch } = ground;
  const { now } = shared;
  const { holder } = events;
  const { reconcile_every, check_every } = live.config.audit;
  const requeue = startLoop({
    name: 'requeue',
    now,
    logger,
    watch,
    round: async () => ((await requeueDeferred(promotion, holder)) > 0 ? 10 : 500),
  });
  opened.defer(() => requeue.stop());
  const auditing = startAudit({
    ...reconciling,
    objects,
    now,
    reconcileEveryMs: durationMs(reconcile_every),
    holder,
    checkEveryMs: durationMs(check_every),
    found: (findings) => metrics.audit.found(findings),
    undone: promotion.undone,
    logger,
    watch,
  });
  opened.defer(() => auditing.stop());
  const pauses = startLoop({
    name: 'pause',
    now,
    logger,
    watch,
    round: async () => ((await watchPauses(promotion, jobs.paused, holder)) > 0 ? 10 : 1000),
  });
  opened.defer(() => pauses.stop());
}
