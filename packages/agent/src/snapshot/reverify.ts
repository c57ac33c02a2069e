import type { Actor } from '@govctl/core/identity';
import { verifySnapshot } from '@govctl/core/promotion';
import type { ObjectStore } from '../object/index.ts';
import type { SnapshotVerifier } from '../promotion/rollback.ts';
import { readingOf, type SnapshotDependencies } from './handler.ts';
import { snapshotById } from './queries.ts';

const rebuilds = 3;

/** Reads every byte of a snapshot again before something relies on it. */
export function snapshotVerifier(deps: SnapshotDependencies): SnapshotVerifier {
  const rowOf = async (snapshotId: string) => (await deps.database.read([snapshotById({ snapshot_id: snapshotId })]))[0][0];
  const reading = async (snapshotId: string, objects: ObjectStore) => {
    const row = await rowOf(snapshotId);
    if (row === undefined) return undefined;
    const steps = readingOf(objects, row, new AbortController().signal);
    let step = await steps.next();
    while (step.done !== true) step = await steps.next();
    const { failures: _told, ...result } = step.value;
    return result;
  };
  // A rehearsal moves nothing out of the way, damaged or not.
  const untouched: ObjectStore = { ...deps.objects, setAside: async () => {} };
  return {
    async check(snapshotId) {
      return { verified: (await reading(snapshotId, untouched))?.failed_objects === 0 };
    },

    async verify(snapshotId: string, actor: Actor) {
      const result = await reading(snapshotId, deps.objects);
      if (result === undefined) return { verified: false };
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const current = await rowOf(snapshotId);
        if (current === undefined) return { verified: false };
        const { environment, service_release_id } = deps.deployment;
        const context = { actor, environment, service_release_id, at: deps.now(), salt: deps.randomHex(16) };
        const committed = await deps.journal.commit(verifySnapshot(context, current, result));
        if (committed.ok) return { verified: result.failed_objects === 0 };
      }
      return { verified: false };
    },
  };
}
