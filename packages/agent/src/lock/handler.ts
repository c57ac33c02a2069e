import { type lockRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { mayAffect } from '@govctl/core/identity';
import { breakLock, lockTarget } from '@govctl/core/run';
import type { Handlers } from '../http/index.ts';
import { type GovernanceDependencies, governanceContext } from '../policy/governance.ts';
import { type LockRow, lockByKey, locks } from './queries.ts';

/** Shows locks, and takes one away: a severe act, on record. */
export function lockHandlers(deps: GovernanceDependencies): Handlers<typeof lockRoutes> {
  return {
    async 'lock.ls'({ query: { all, cursor, limit }, actor, now }) {
      const [rows] = await deps.database.read([locks({ all: Number(all === 'true'), after: cursor ?? '', limit })]);
      const items = rows.filter((row) => mayAffect(actor, 'lock.read', lockTarget(row.lock_key))).map((row) => shown(row, now));
      const next_cursor = rows.length < limit ? null : (rows.at(-1)?.lock_key ?? null);
      return { schemaVersion, kind: 'LockList' as const, items, next_cursor };
    },

    async 'lock.break'({ body: { lock_key, reason }, actor }) {
      const [[row]] = await deps.database.read([lockByKey({ lock_key })]);
      if (row === undefined || !mayAffect(actor, 'lock.break', lockTarget(lock_key)))
        throw new Problem('not-found', { detail: `no lock ${lock_key}`, hint: 'govctl lock ls' });
      const { fence, holder, expires_at } = row;
      if (holder === null) throw new Problem('conflict', { detail: `nobody holds ${lock_key}: nothing was done`, hint: 'govctl lock ls' });
      const context = governanceContext(deps, actor);
      const { unit, evidence_ref } = breakLock(context, { lock_key, fence, holder, expires_at }, reason);
      const result = await deps.journal.commit(unit);
      if (!result.ok)
        throw new Problem('conflict', {
          detail: `${lock_key} changed hands just now: nothing was done`,
          hint: 'who holds it now: govctl lock ls',
        });
      const free: LockRow = { lock_key, fence: fence + 1, holder: null, acquired_at: null, expires_at: null };
      return { schemaVersion, kind: 'Lock' as const, ...shown(free, context.at), broken_holder: holder, evidence_ref };
    },
  };
}

function shown(row: LockRow, now: string) {
  return { ...row, expired: row.holder !== null && row.expires_at !== null && row.expires_at <= now };
}
