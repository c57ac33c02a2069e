import type { ExitName } from '@govctl/core/api';
import type { PromotionDocument } from '@govctl/core/promotion';

type Standing = Pick<PromotionDocument, 'phase' | 'status'> & {
  readonly decision: { readonly decision: string } | null;
  readonly waiting_on?: readonly string[];
};

export function hasEnded({ phase }: Pick<Standing, 'phase'>): boolean {
  return phase === 'COMPLETED' || phase === 'FAILED';
}

/**
 * How a promotion ends the process: an ended one by its outcome (a deny is a deny whoever decided, a time-out too), an open one by its
 * decision as far as it is known.
 */
export function exitOf(promotion: Standing): ExitName {
  const { phase, status, decision, waiting_on = [] } = promotion;
  if (phase === 'COMPLETED') return 'ok';
  if (phase === 'FAILED') return status === 'failed_policy' ? 'deny' : 'failed';
  // Allowed and done, but not complete: witnesses have not seen it.
  if (decision?.decision === 'allow') return waiting_on.length > 0 ? 'defer' : 'ok';
  return decision?.decision === 'deny' ? 'deny' : 'defer';
}
