import { Problem } from '@govctl/core/api';
import { buildInput, type DecisionBody, decide, decisionDigest, type Facts } from '@govctl/core/decision';
import type { Actor } from '@govctl/core/identity';
import type { Unit } from '@govctl/core/journal';
import { durationMs } from '@govctl/core/policy';
import {
  carryOut,
  type Extra,
  type PromotionDocument,
  type PromotionRequest,
  promotionTypeOf,
  type RunRow,
  type RunStart,
  type RunState,
  type SagaContext,
} from '@govctl/core/promotion';
import type { Database } from '../db/index.ts';
import type { Authority } from '../identity/authority.ts';
import type { CommitResult, Journal } from '../journal/index.ts';
import type { CompiledPacks } from '../policy/pack-store.ts';
import type { Witnesses } from '../witness/witnesses.ts';
import type { PromotionAnswers } from './answer.ts';
import { type FactRequest, type FactSources, type ReadFacts, readFacts } from './facts.ts';
import { runById } from './queries.ts';
import type { UndoneSagas } from './undone.ts';

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
  /** How long a run may take before it is stale, in milliseconds. */
  readonly finalizeMs: number;
  readonly authority: Authority;
  readonly witnesses: Pick<Witnesses, 'quorum' | 'completed'>;
  /** Told of each recorded decision, once it is durable. */
  readonly decided: (decision: DecisionBody['decision']) => void;
  readonly undone: Pick<UndoneSagas, 'note'>;
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

/** How often a unit is rebuilt from fresh facts before the caller is told that somebody else keeps moving them. */
export const rebuilds = 3;

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
    ...(request.job_run_id === undefined ? {} : { job_run_id: request.job_run_id }),
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
    witness_quorum: deps.witnesses.quorum,
    finalize_ms: deps.finalizeMs,
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

/** What a deferred run needs to be asked again, by itself, on behalf of whoever asked first. */
export type StoredRequest = {
  /** A `remote` run is finalized by an orchestrator that is not this daemon. */
  readonly by: 'promotion' | 'remote' | 'rollback';
  readonly facts: FactRequest;
  readonly actor: Actor;
};

/** How long a caller waits for witnesses before it is told that the run is incomplete: they answer in milliseconds, or are away. */
const witnessWaitMs = 3000;

/** Commits what a saga planned; what could not be written is kept as rolled back, and thrown. */
export async function committed(
  deps: Pick<PromotionDependencies, 'journal' | 'undone'>,
  planned: { readonly unit: Unit; readonly row: RunRow; readonly state: RunState },
  start: RunStart,
): Promise<CommitResult> {
  try {
    return await deps.journal.commit(planned.unit);
  } catch (error) {
    deps.undone.note(planned, start.state.acks, error);
    throw error;
  }
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
  const result = await committed(deps, linked(planned, start), start);
  if (!result.ok) return null;
  deps.decided(decision.decision);
  if (result.altered) {
    const [[stored]] = await deps.database.read([runById({ run_id: planned.row.run_id })]);
    if (stored !== undefined) return await deps.answers.answer(stored);
  }
  const answer = deps.answers.fresh(planned, result);
  if (planned.state.awaits === undefined || !(await deps.witnesses.completed(planned.row.run_id, witnessWaitMs))) return answer;
  const [[run]] = await deps.database.read([runById({ run_id: planned.row.run_id })]);
  return run === undefined ? answer : await deps.answers.answer(run);
}

/** A promotion that comes after a job stands beside it from its first commit on. */
function linked<T extends { readonly unit: Unit }>(planned: T, { row, state, revision }: RunStart): T {
  if (revision !== null || state.job_run_id === undefined) return planned;
  const link = { write: 'job-promotion.insert' as const, values: { job_run_id: state.job_run_id, run_id: row.run_id } };
  return { ...planned, unit: { ...planned.unit, changes: [...planned.unit.changes, link] } };
}

export function keepsMoving(runId: string): Problem {
  return new Problem('conflict', {
    detail: `the facts behind ${runId} kept changing while it was decided; nothing was done`,
    hint: 'try again: the same run_id is safe',
    retryAfterSeconds: 1,
  });
}
