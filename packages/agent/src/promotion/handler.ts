import { Problem, type promotionRoutes, schemaVersion } from '@govctl/core/api';
import { type DecisionBody, type DecisionDocument, type Facts, stateDigest } from '@govctl/core/decision';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { cancel, type PromotionRequest, type RunRow, requestDigest, startRun } from '@govctl/core/promotion';
import { isEnded, type Phase } from '@govctl/core/run';
import type { Handlers } from '../http/index.ts';
import { requireJob } from './job-fact.ts';
import {
  commitPlanned,
  factRequestOf,
  judge,
  keepsMoving,
  type PromotionDependencies,
  rebuilds,
  type StoredRequest,
  sagaContext,
  traceIdOf,
} from './judge.ts';
import { runById } from './queries.ts';
import { assertSameRequest, replay } from './replay.ts';
import { resume } from './run-start.ts';

/** Requests, shows and ends promotions. */
export function promotionHandlers(
  deps: PromotionDependencies,
): Pick<Handlers<typeof promotionRoutes>, 'promotion.request' | 'promotion.evaluate' | 'promotion.get' | 'promotion.cancel'> {
  return {
    async 'promotion.request'({ body, actor, now, traceparent }) {
      const digest = requestDigest(body);
      await requireJob(deps.database, body, actor);
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { read, decision, decision_digest } = await judge(deps, factRequestOf(body), actor, attempt === 0 ? now : deps.now());
        if (read.run !== null) return await replay(deps, read.run, digest, actor);
        refuseStale(body, read.facts);
        const context = sagaContext(deps, read, traceparent);
        const start = startRun(
          {
            run_id: body.run_id,
            kind: 'promotion',
            tenant_id: body.tenant_id,
            dataset_id: body.dataset_id,
            from_layer: body.from_layer,
            to_layer: body.to_layer,
            snapshot_id: body.snapshot_id,
            actor_id: actor.actor_id,
            request_digest: digest,
            created_at: read.facts.as_of,
          },
          read.facts,
          context,
          {
            trace_id: traceIdOf(deps, traceparent),
            ...(body.supersedes === undefined ? {} : { supersedes: body.supersedes }),
            ...(body.job_run_id === undefined ? {} : { job_run_id: body.job_run_id }),
            request: { by: 'promotion', facts: factRequestOf(body), actor } satisfies StoredRequest,
          },
        );
        const answer = await commitPlanned(deps, start, { read, decision, decision_digest }, context);
        if (answer !== null) return answer;
      }
      throw keepsMoving(body.run_id);
    },

    async 'promotion.evaluate'({ body, actor, now }) {
      // The answer carries contract, checks and holds: they are shown to whoever may ask about this dataset, and to nobody else.
      if (!mayAffect(actor, 'promotion.evaluate', body)) {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} has no grant to evaluate promotions of ${body.tenant_id}/${body.dataset_id}`,
          hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action promotion.evaluate --dataset ${body.dataset_id}`,
        });
      }
      await requireJob(deps.database, body, actor);
      // The answer holds the facts themselves, not only the verdict.
      if (!mayAffect(actor, 'promotion.evaluate', body)) {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} has no grant for promotion.evaluate on ${body.tenant_id}/${body.dataset_id}`,
          hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action promotion.evaluate --dataset ${body.dataset_id}`,
        });
      }
      const { read, decision, decision_digest } = await judge(deps, factRequestOf(body), actor, now, body.effective_time, deps.database);
      if (read.run !== null) assertSameRequest(read.run, requestDigest(body), actor);
      else refuseStale(body, read.facts);
      const facts = body.with_sources ? { ...read.facts, packs: await deps.packs.sourced(read.facts.packs) } : read.facts;
      return { schemaVersion, kind: 'Evaluation' as const, facts, decision: shown(decision, decision_digest, true) };
    },

    async 'promotion.get'({ params, actor }) {
      const run = await readRun(deps, params.run_id, actor);
      return await deps.answers.answer(run);
    },

    async 'promotion.cancel'({ params, body, actor, now }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const run = await readRun(deps, params.run_id, actor, 'promotion.cancel');
        if (isEnded(run.phase as Phase)) {
          if (run.status === 'cancelled') return await deps.answers.answer(run);
          throw new Problem('conflict', {
            detail: `run ${run.run_id} has ended: ${run.status}`,
            hint: `govctl promotion get ${run.run_id}`,
          });
        }
        const start = resume(run);
        if (start.state.active !== undefined) {
          throw new Problem('conflict', {
            detail: `run ${run.run_id} has moved ${run.dataset_id} ${run.to_layer ?? ''} already: what is done is not cancelled`,
            hint: `confirm it (POST /v1/governance/evidence), or put it back: govctl promotion rollback ${run.run_id} --reason ...`,
          });
        }
        const by = { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by, reason: body.reason };
        const planned = cancel(start, run, by, attempt === 0 ? now : deps.now(), {
          ...deps.deployment,
          salt: () => deps.randomHex(16),
        });
        const result = await deps.journal.commit(planned.unit);
        if (result.ok) return await deps.answers.answer(planned.row);
        // It was asked again by itself in between: what it is now is cancelled.
      }
      throw keepsMoving(params.run_id);
    },
  };
}

/** A plan is for the state it was made on. What moved is told by whoever has the plan: only its digest is here. */
function refuseStale({ expected_state, run_id }: PromotionRequest, facts: Facts): void {
  if (expected_state === undefined || expected_state === stateDigest(facts)) return;
  throw new Problem('stale', {
    detail: `what run ${run_id} was planned on has moved: nothing was done`,
    hint: 'what moved: govctl promote --plan PLAN --show; make a new plan: --dry-run --out PLAN',
  });
}

export function shown(decision: DecisionBody, decision_digest: string, dryRun: boolean): DecisionDocument {
  return { schemaVersion, kind: 'Decision', ...decision, decision_digest, dry_run: dryRun };
}

export async function readRun(deps: PromotionDependencies, runId: string, actor: Actor, action = 'promotion.read'): Promise<RunRow> {
  const [[run]] = await deps.database.read([runById({ run_id: runId })]);
  // Somebody without a grant for the dataset learns as much as about a run that is not there.
  if (run === undefined || run.kind === 'job' || !mayAffect(actor, action, run)) {
    throw new Problem('not-found', { detail: `no promotion ${runId}`, hint: 'govctl promotion ls' });
  }
  return run;
}
