import { holdLease, type LeaseName } from '@govctl/core/lease';
import type { Journal } from '../journal/index.ts';

export type LeaseDependencies = {
  readonly journal: Pick<Journal, 'commit'>;
  /** Who this process is, unlike every other. */
  readonly holder: string;
  readonly now: () => string;
};

/** A third of the time the lease lasts. */
const renewMs = 3_000;

/**
 * Does work that only one host may do and that may take longer than a lease: it is renewed meanwhile, and the signal tells when it was
 * lost, so that what goes on over a network ends too.
 *
 * @returns null when somebody else holds the lease
 */
export async function whileLeased<T>(
  deps: LeaseDependencies,
  name: LeaseName,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const hold = async () => {
    const unit = { label: `${name}.lease`, changes: [holdLease(name, deps.holder, deps.now())], records: [], events: [] };
    return (await deps.journal.commit(unit)).ok;
  };
  if (!(await hold())) return null;
  const lost = new AbortController();
  const timer = setInterval(() => {
    hold().then(
      (held) => held || lost.abort(),
      () => lost.abort(),
    );
  }, renewMs);
  try {
    return await work(AbortSignal.any([outer, lost.signal]));
  } finally {
    clearInterval(timer);
  }
}
