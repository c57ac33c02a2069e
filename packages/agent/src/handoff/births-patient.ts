import { whenUnlocked } from '../db/index.ts';
import type { Births } from './birth-admission.ts';
import type { SqliteBirths } from './births.ts';
import type { ChangelogPruner } from './prune.ts';

/** Births whose writes wait for another process that writes births.db, without stopping the thread. */
export function patientBirths(births: SqliteBirths, patienceMs?: number): Births & ChangelogPruner {
  return {
    permits: (filter) => births.permits(filter),
    survey: (selection) => births.survey(selection),
    issue: async (permit) => await whenUnlocked(() => births.issue(permit), patienceMs),
    revoke: async (revocation) => await whenUnlocked(() => births.revoke(revocation), patienceMs),
    add: async (lines, now) => await whenUnlocked(() => births.add(lines, now), patienceMs),
    slice: async (slice) => await whenUnlocked(() => births.slice(slice), patienceMs),
  };
}
