import { createHash } from 'node:crypto';
import type { Unit } from '@govctl/core/journal';
import type { PostgresRun } from '../db/index.ts';

/** A 64-bit key of an advisory lock: names of different schemas and kinds do not meet. */
export function lockKey(schema: string, name: string): string {
  return createHash('sha256').update(`govctl\0${schema}\0${name}`).digest().readBigInt64BE(0).toString();
}

/** What a unit must have to itself: the datasets its changes name, and the set of policies it activates or was decided under. */
function claimsOf(unit: Unit): { readonly datasets: readonly string[]; readonly policy: 'none' | 'shared' | 'exclusive' } {
  const datasets: string[] = [];
  let policy: 'none' | 'shared' | 'exclusive' = 'none';
  for (const { write, values } of unit.changes) {
    if (write === 'policy.activate') policy = 'exclusive';
    if (write === 'promotion.guard' && policy === 'none') policy = 'shared';
    if ('tenant_id' in values && 'dataset_id' in values) datasets.push(`${String(values.tenant_id)}\0${String(values.dataset_id)}`);
  }
  return { datasets, policy };
}

/**
 * Takes the locks of a group before its first guard, always in the same order, so that two hosts never wait for each other in a
 * circle: the policy set, then datasets by key. READ COMMITTED takes a new snapshot for each statement, so every guard after this
 * sees what the holder before committed; without the lock two guards that look at different rows could both hold.
 */
export async function lockGroup(run: PostgresRun, schema: string, units: readonly Unit[]): Promise<void> {
  const claims = units.map(claimsOf);
  const policies = new Set(claims.map(({ policy }) => policy));
  const policyKey = lockKey(schema, 'policy');
  if (policies.has('exclusive')) await run('SELECT pg_advisory_xact_lock(CAST(:key AS bigint))', { key: policyKey });
  else if (policies.has('shared')) await run('SELECT pg_advisory_xact_lock_shared(CAST(:key AS bigint))', { key: policyKey });
  const keys = [...new Set(claims.flatMap(({ datasets }) => datasets.map((dataset) => lockKey(schema, `dataset\0${dataset}`))))].sort();
  if (keys.length > 0)
    await run("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(string_to_array(:keys, ',') AS bigint[])) AS t(k)", {
      keys: keys.join(','),
    });
}
