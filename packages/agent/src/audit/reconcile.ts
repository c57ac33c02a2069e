import { type auditRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { Handlers } from '../http/index.ts';
import { runById } from '../promotion/queries.ts';
import { mendIntents } from './intent.ts';
import { mend } from './mend.ts';
import { askedGait, paced } from './pace.ts';
import { reconcileAll } from './reconcile-all.ts';
import type { ReconcileDependencies } from './reconcile-scope.ts';

const everything = { tenant_id: '*', dataset_id: '*' };

/** Compares what should have happened with what did: the audit contract of every run, and the world. */
export function reconcileHandler(deps: ReconcileDependencies): Pick<Handlers<typeof auditRoutes>, 'reconcile.run'> {
  return {
    async 'reconcile.run'({ body, actor, now }) {
      await assertMayLook(deps, body.run_id, actor);
      const scope = { run_id: body.run_id ?? null, since: body.since ?? null };
      // Other requests come first: reconciliation is never on the hot path.
      const pace = paced({ busy: deps.busy, gait: askedGait });
      const { findings, left_out, audits, intents, checked } = await reconcileAll(deps, scope, now, pace);
      if (scope.run_id !== null && checked.runs === 0)
        throw new Problem('not-found', { detail: `no run ${scope.run_id}`, hint: 'govctl promotion ls; of jobs: govctl run ls' });
      if (body.fix) {
        await mend(deps, findings, actor, now);
        await mendIntents(deps, intents, findings, actor, now);
      }
      return {
        schemaVersion,
        kind: 'Reconciliation' as const,
        as_of: now,
        findings,
        ...(left_out === 0 ? {} : { left_out }),
        checked,
        ...(scope.run_id === null ? {} : { runs: audits }),
        clean: left_out === 0 && findings.every((finding) => finding.fixed !== undefined),
      };
    },
  };
}

/** The report names runs, datasets and locks of everybody: one run for whoever may look at its dataset, the whole for whoever may look at all. */
async function assertMayLook(deps: ReconcileDependencies, runId: string | undefined, actor: Actor): Promise<void> {
  if (mayAffect(actor, 'reconcile.run', everything)) return;
  if (runId !== undefined) {
    const [[run]] = await deps.database.read([runById({ run_id: runId })]);
    if (run !== undefined && mayAffect(actor, 'reconcile.run', run)) return;
    throw new Problem('not-found', { detail: `no run ${runId}`, hint: 'govctl promotion ls; of jobs: govctl run ls' });
  }
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} may not reconcile every tenant and dataset`,
    hint: 'name one run: govctl reconcile --run R',
  });
}
