import { Problem, type promotionRoutes, schemaVersion } from '@govctl/core/api';
import { buildInput, type DecisionBody, type DecisionDocument, decide, decisionDigest, type Facts } from '@govctl/core/decision';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { durationMs } from '@govctl/core/policy';
import {
  cancel,
  carryOut,
  type Extra,
  type PromotionDocument,
  type PromotionRequest,
  promotionTypeOf,
  type RunRow,
  type RunStart,
  type RunState,
  requestDigest,
  type SagaContext,
  startRun,
} from '@govctl/core/promotion';
import { isEnded, type Phase } from '@govctl/core/run';
import type { Database } from '../db/index.ts';
import { type Handlers, Reply } from '../http/index.ts';
import type { Authority } from '../identity/authority.ts';
import type { Journal } from '../journal/index.ts';
import type { CompiledPacks } from '../policy/pack-store.ts';
import type { PromotionAnswers } from './answer.ts';
import { type FactRequest, type FactSources, type ReadFacts, readFacts } from './facts.ts';
import { runById } from './queries.ts';

export type PromotionDependencies = {
  /** Reads on a connection that cannot write. */
  readonly database: Database;
  /**
   * Reads on the writer's own connection, for what is decided and written in one go: another connection's page cache is thrown
   * away by every commit. Never given to what must not write.
   */
  readonly hotDatabase: Database;
  readonly journal: Journal;
  readonly sources: Omit<FactSources, 'database'>;
  readonly packs: CompiledPacks;
  readonly answers: PromotionAnswers;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly config_digest: () => string;
  readonly authority: Authority;
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

/** How often a unit is rebuilt from fresh facts before the caller is told that somebody else keeps moving them. */
const rebuilds = 3;

export type Attempt = { readonly read: ReadFacts; readonly decision: DecisionBody; readonly decision_digest: string };

/** Facts, then the kernel: the same two calls for a dry run (which may judge as of another moment), a promotion, a re-evaluation and a rollback. */
export async function judge(
  deps: PromotionDependencies,
  request: FactRequest,
  actor: Actor,
  now: string,
  effectiveTime: string = now,
  database: Database = deps.hotDatabase,
): Promise<Attempt> {
  const read = await readFacts({ ...deps.sources, database }, request, actor, now);
  const input = buildInput(read.facts);
  const decision = decide(input, deps.packs.compiled(read.facts.packs), effectiveTime);
  return { read, decision, decision_digest: decisionDigest(decision) };
}

export function factRequestOf(request: PromotionRequest): FactRequest {
  return {
    run_id: request.run_id,
    tenant_id: request.tenant_id,
    dataset_id: request.dataset_id,
    from_layer: request.from_layer,
    to_layer: request.to_layer,
    promotion_type: promotionTypeOf(request.from_layer, request.to_layer),
    snapshot_id: request.snapshot_id,
    evidence: request.evidence ?? null,
    expected_policy_rev: request.expected_policy_rev ?? null,
    expected_parity_contract: request.expected_parity_contract ?? null,
    expected_config_digest: request.expected_config_digest ?? null,
    rollback: null,
  };
}

export function sagaContext(deps: PromotionDependencies, read: ReadFacts, traceparent: string | undefined): SagaContext {
  return {
    ...deps.deployment,
    config_digest: deps.config_digest(),
    salt: () => deps.randomHex(16),
    dataset_revision: read.dataset_revision,
    policy_activation: read.policy_activation,
    lock_key: read.lock_key,
    lock_fence: read.lock_fence,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

export function deferLimits(facts: Facts): { max_ms: number; min_interval_ms: number } {
  const defer = facts.contract?.body.defer;
  return { max_ms: durationMs(defer?.max ?? '24h'), min_interval_ms: durationMs(defer?.min_interval ?? '1m') };
}

export function traceIdOf(deps: PromotionDependencies, traceparent: string | undefined): string {
  return traceparent?.slice(3, 35) ?? deps.randomHex(16);
}

/** Requests, shows and ends promotions. */
export function promotionHandlers(
  deps: PromotionDependencies,
): Pick<Handlers<typeof promotionRoutes>, 'promotion.request' | 'promotion.evaluate' | 'promotion.get' | 'promotion.cancel'> {
  return {
    async 'promotion.request'({ body, actor, now, traceparent }) {
      const digest = requestDigest(body);
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { read, decision, decision_digest } = await judge(deps, factRequestOf(body), actor, attempt === 0 ? now : deps.now());
        if (read.run !== null) return await replay(deps, read.run, digest);
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
            request: storedRequest(body, actor),
          },
        );
        const answer = await commitPlanned(deps, start, { read, decision, decision_digest }, context);
        if (answer !== null) return answer;
      }
      throw keepsMoving(body.run_id);
    },

    async 'promotion.evaluate'({ body, actor, now }) {
      const { read, decision, decision_digest } = await judge(deps, factRequestOf(body), actor, now, body.effective_time, deps.database);
      if (read.run !== null) assertSameRequest(read.run, requestDigest(body));
      const facts = body.with_sources ? { ...read.facts, packs: await deps.packs.sourced(read.facts.packs) } : read.facts;
      return { schemaVersion, kind: 'Evaluation' as const, facts, decision: shown(decision, decision_digest, true) };
    },

    async 'promotion.get'({ params, actor }) {
      const run = await readRun(deps, params.run_id, actor);
      return await deps.answers.answer(run);
    },

    async 'promotion.cancel'({ params, body, actor, now }) {
      const run = await readRun(deps, params.run_id, actor, 'promotion.cancel');
      if (isEnded(run.phase as Phase)) {
        if (run.status === 'cancelled') return await deps.answers.answer(run);
        throw new Problem('conflict', { detail: `run ${run.run_id} has ended: ${run.status}`, hint: `govctl promotion get ${run.run_id}` });
      }
      const planned = cancel(
        resume(run),
        run,
        { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by, reason: body.reason },
        now,
        { ...deps.deployment, salt: () => deps.randomHex(16) },
      );
      const result = await deps.journal.commit(planned.unit);
      if (!result.ok) throw keepsMoving(run.run_id);
      return await deps.answers.answer(planned.row);
    },
  };
}

/** What a deferred run needs to be asked again, by itself, as the actor who asked first. */
export type StoredRequest = { readonly body: PromotionRequest; readonly actor: Actor };

function storedRequest(body: PromotionRequest, actor: Actor): StoredRequest {
  return { body, actor };
}

/** Plans and commits; null when a guard was lost and the facts must be read again. */
export async function commitPlanned(
  deps: PromotionDependencies,
  start: RunStart,
  attempt: Attempt,
  context: SagaContext,
  extra?: Extra,
): Promise<PromotionDocument | null> {
  const { read, decision, decision_digest } = attempt;
  const planned = carryOut(start, { facts: read.facts, decision, decision_digest }, context, deferLimits(read.facts), extra);
  const result = await deps.journal.commit(planned.unit);
  return result.ok ? deps.answers.fresh(planned, result) : null;
}

export function resume(run: RunRow): RunStart {
  const {
    phase: _p,
    status: _s,
    revision,
    state,
    decision: _d,
    decision_ref,
    evidence_ref: _e,
    updated_at: _u,
    next_eligible_at: _n,
    defer_until,
    dataset_revision: _r,
    policy_activation: _a,
    ...row
  } = run;
  return { row, state: JSON.parse(state) as RunState, revision, decision_ref, defer_until };
}

export function shown(decision: DecisionBody, decision_digest: string, dryRun: boolean): DecisionDocument {
  return { schemaVersion, kind: 'Decision', ...decision, decision_digest, dry_run: dryRun };
}

/** A run_id that exists: the same request gets its state, or once it ended the same bytes again; another request is refused. */
export async function replay(deps: PromotionDependencies, run: RunRow, digest: string): Promise<PromotionDocument | Reply> {
  assertSameRequest(run, digest);
  const answer = await deps.answers.answer(run);
  if (!isEnded(run.phase as Phase)) return answer;
  return new Reply(200, JSON.stringify(answer), { 'content-type': 'application/json; charset=utf-8', 'govctl-replayed': 'true' });
}

/** A run_id is spent on one request: dry runs say so as the gate does. */
function assertSameRequest(run: RunRow, digest: string): void {
  if (run.request_digest === digest) return;
  throw new Problem('run-id-reused', {
    detail: `run_id ${run.run_id} belongs to another request (${run.dataset_id} to ${run.to_layer ?? '?'}, ${run.created_at})`,
    hint: 'use a new --run-id',
  });
}

async function readRun(deps: PromotionDependencies, runId: string, actor: Actor, action = 'promotion.read'): Promise<RunRow> {
  const [[run]] = await deps.database.read([runById({ run_id: runId })]);
  // Somebody without a grant for the dataset learns as much as about a run that is not there.
  if (run === undefined || run.kind === 'job' || !mayAffect(actor, action, run)) {
    throw new Problem('not-found', { detail: `no promotion ${runId}`, hint: 'govctl promotion ls' });
  }
  return run;
}

export function keepsMoving(runId: string): Problem {
  return new Problem('conflict', {
    detail: `the facts behind ${runId} kept changing while it was decided; nothing was done`,
    hint: 'try again: the same run_id is safe',
    retryAfterSeconds: 1,
  });
}
