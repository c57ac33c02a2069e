import type { ReconcileFinding } from '@govctl/core/api';
import { draftRecord, jcsDigest, subjectOf } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import * as world from './queries.ts';
import type { ReconcileDependencies } from './reconcile-scope.ts';

/** The safe mends, each recorded: an expired lock is given back, the dispatcher is woken. Everything else is for a person. */
export async function mend(deps: ReconcileDependencies, findings: ReconcileFinding[], actor: Actor, now: string): Promise<void> {
  const [locks] = await deps.database.read([world.expiredLocks({ now })]);
  for (const lock of locks) {
    const finding = findings.find((one) => one.check === 'lock' && one.subject === `lock/${lock.lock_key}`);
    if (finding === undefined) continue;
    const record = draftRecord({
      kind: 'governance-fact',
      subject: [subjectOf(finding.subject, jcsDigest(lock))],
      predicate: {
        ...deps.deployment,
        actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
        salt: deps.randomHex(16),
        previous: null,
        fact: 'lock.release',
        subject: finding.subject,
        digest: null,
        reason: `expired at ${lock.expires_at}`,
        detail: { holder: lock.holder, fence: lock.fence },
      },
      run_id: null,
      tenant_id: 'default',
      dataset_id: null,
      recorded_at: now,
    });
    const result = await deps.journal.commit({
      label: 'lock.release',
      changes: [{ write: 'lock.release', values: { lock_key: lock.lock_key, fence: lock.fence } }],
      records: [record],
      events: [
        {
          type: 'lock.broken',
          subject: finding.subject,
          time: now,
          tenant_id: 'default',
          dataset_id: null,
          layer: null,
          run_id: lock.holder,
          environment: deps.deployment.environment,
          data: { reason: 'expired', holder: lock.holder, fence: lock.fence, broken_by: actor.actor_id },
        },
      ],
    });
    if (result.ok) finding.fixed = `given back, recorded as ${record.ref}`;
  }
  if (findings.some((finding) => finding.check === 'outbox')) {
    deps.sources.wakeDispatcher();
    for (const finding of findings) if (finding.check === 'outbox') finding.fixed = 'the dispatcher was woken';
  }
}
