import { setImmediate as nextTurn } from 'node:timers/promises';
import { isLocked, whenUnlocked } from '../db/index.ts';
import type { AdmittedLine, BirthReceipt, Births } from './birth-admission.ts';
import type { BirthOutcome, BirthRequest, SqliteBirths } from './births.ts';
import type { ChangelogPruner } from './prune.ts';

type Waiting = BirthRequest & { readonly resolve: (receipt: BirthReceipt) => void; readonly reject: (error: unknown) => void };

/** Requests and lines of one durable transaction; more wait for the next one. */
const [mostRequests, mostLines] = [64, 5_000];

/**
 * Births as the daemon writes them: requests that arrive while the thread was busy share one durable transaction, each in a savepoint of
 * its own, so that a slow disk is waited for once; and all wait for another process that writes births.db without stopping the thread.
 */
export function queuedBirths(births: SqliteBirths, patienceMs?: number): Births & ChangelogPruner {
  const queue: Waiting[] = [];
  let running = false;

  const next = (): Waiting[] => {
    let lines = 0;
    const group: Waiting[] = [];
    for (const waiting of queue) {
      lines += waiting.lines.length;
      if (group.length > 0 && (lines > mostLines || group.length === mostRequests)) break;
      group.push(waiting);
    }
    return queue.splice(0, group.length);
  };

  const commit = async (group: readonly Waiting[]): Promise<void> => {
    let outcomes: BirthOutcome[];
    try {
      outcomes = await whenUnlocked(() => births.addTogether(group), patienceMs);
    } catch (error) {
      // What is one's fault is found by trying each alone; the others need not suffer.
      if (group.length > 1 && !isLocked(error)) for (const waiting of group) await commit([waiting]);
      else for (const { reject } of group) reject(error);
      return;
    }
    for (const [at, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[at];
      if (outcome?.receipt !== undefined) resolve(outcome.receipt);
      else reject(outcome?.refusal ?? new Error('a request without an outcome'));
    }
  };

  const run = async (): Promise<void> => {
    if (running) return;
    running = true;
    for (await nextTurn(); queue.length > 0; await nextTurn()) await commit(next());
    running = false;
  };

  return {
    permits: (filter) => births.permits(filter),
    survey: (selection) => births.survey(selection),
    issue: async (permit) => await whenUnlocked(() => births.issue(permit), patienceMs),
    revoke: async (revocation) => await whenUnlocked(() => births.revoke(revocation), patienceMs),
    slice: async (slice) => await whenUnlocked(() => births.slice(slice), patienceMs),
    add: (lines: readonly AdmittedLine[], now: string) =>
      new Promise<BirthReceipt>((resolve, reject) => {
        queue.push({ lines, now, resolve, reject });
        void run();
      }),
  };
}
