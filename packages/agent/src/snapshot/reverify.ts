import type { Actor } from '@govctl/core/identity';
import { verifySnapshot } from '@govctl/core/promotion';
import type { SnapshotVerifier } from '../promotion/rollback.ts';
import { readingOf, type SnapshotDependencies } from './handler.ts';
import { snapshotById } from './queries.ts';

const rebuilds = 3;

/** Reads every byte of a snapshot again before something relies on it, and records what was found. */
export function snapshotVerifier(deps: SnapshotDependencies): SnapshotVerifier {
  return {
    async verify(snapshotId: string, actor: Actor) {
      const [[row]] = await deps.database.read([snapshotById({ snapshot_id: snapshotId })]);
      if (row === undefined) return { verified: false };
      const steps = readingOf(deps.objects, row, new AbortController().signal);
      let step = await steps.next();
      while (step.done !== true) step = await steps.next();
      const { failures: _told, ...result } = step.value;
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [[current]] = await deps.database.read([snapshotById({ snapshot_id: snapshotId })]);
        if (current === undefined) return { verified: false };
        const context = {
          actor,
          environment: deps.deployment.environment,
          service_release_id: deps.deployment.service_release_id,
          at: deps.now(),
          salt: deps.randomHex(16),
        };
        const committed = await deps.journal.commit(verifySnapshot(context, current, result));
        if (committed.ok) return { verified: result.failed_objects === 0 };
      }
      return { verified: false };
    },
  };
}
