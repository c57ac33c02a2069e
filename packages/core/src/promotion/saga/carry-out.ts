import { complete } from './complete.ts';
import { defer } from './defer.ts';
import { deny } from './deny.ts';
import { type Extra, type Judged, nothingMore, type Planned, type RunStart, type SagaContext } from './step.ts';

/** What the kernel said becomes one unit: nothing moves without the decision beside it. */
export function carryOut(
  start: RunStart,
  judged: Judged,
  context: SagaContext,
  deferLimits: { readonly max_ms: number; readonly min_interval_ms: number },
  extra: Extra = nothingMore,
): Planned {
  switch (judged.decision.decision) {
    case 'allow':
      return complete(start, judged, context, extra);
    case 'deny':
      return deny(start, judged, context);
    case 'defer':
      return defer(start, judged, context, deferLimits);
  }
}
