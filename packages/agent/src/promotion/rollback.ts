import { Problem, type promotionRoutes, schemaVersion } from '@govctl/core/api';
import { buildInput, decide, decisionDigest, type Facts } from '@govctl/core/decision';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { durationMs } from '@govctl/core/policy';
import {
  type Extra,
  type RollbackRequest,
  type RunRow,
  rollbackAftermath,
  rollbackDigest,
  type SagaContext,
  startRun,
} from '@govctl/core/promotion';
import type { Handlers } from '../http/index.ts';
import { readFacts } from './facts.ts';
import { shown } from './handler.ts';
import {
  commitPlanned,
  judge,
  keepsMoving,
  type PromotionDependencies,
  rebuilds,
  type StoredRequest,
  sagaContext,
  traceIdOf,
} from './judge.ts';
import { activePointer, type EarlierVersionRow, earlierVersions, runById } from './queries.ts';
import { assertSameRequest, replay } from './replay.ts';

export type SnapshotVerifier = {
  /** Reads every byte again and records what was found: verified, or verification withdrawn. */
  verify(snapshotId: string, actor: Actor, now: string): Promise<{ readonly verified: boolean }>;
  /** The same reading, recorded nowhere and moving nothing: what a dry run may do. */
  check(snapshotId: string): Promise<{ readonly verified: boolean }>;
};

/** Rollback: a gated promotion of its own that puts a target back to its last verified version. */
export function rollbackHandler(
  deps: PromotionDependencies,
  verifier: SnapshotVerifier,
): Pick<Handlers<typeof promotionRoutes>, 'promotion.rollback' | 'promotion.rollback-evaluate'> {
  return {
    async 'promotion.rollback'({ params, body, actor, now, traceparent }) {
      const [[rolledBack], [existing]] = await deps.database.read([runById({ run_id: params.run_id }), runById({ run_id: body.run_id })]);
      const digest = rollbackDigest(params.run_id, body);
      if (existing !== undefined) return await replay(deps, existing, digest, actor);
      const { target, left } = await whatToLeave(deps, params.run_id, rolledBack, actor);
      const to = await lastVerified(deps, (snapshotId) => verifier.verify(snapshotId, actor, now), target, left.generation);
      const request = factRequest(body, target, to);
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const judged = await judge(deps, request, actor, deps.now());
        if (judged.read.run !== null) return await replay(deps, judged.read.run, digest, actor);
        const { facts } = judged.read;
        if (facts.pointers.to?.generation !== left.generation) throw keepsMoving(body.run_id);
        const context = sagaContext(deps, judged.read, traceparent);
        const start = startRun(
          {
            run_id: body.run_id,
            kind: 'rollback',
            ...target,
            from_layer: target.to_layer,
            snapshot_id: to.snapshot_id,
            actor_id: actor.actor_id,
            request_digest: digest,
            created_at: facts.as_of,
          },
          facts,
          context,
          {
            trace_id: traceIdOf(deps, traceparent),
            reason: body.reason,
            rolls_back: params.run_id,
            request: { by: 'rollback', facts: request, actor } satisfies StoredRequest,
          },
        );
        const answer = await commitPlanned(deps, start, judged, context, aftermathOf(deps, facts, context, body.reason));
        if (answer !== null) return answer;
      }
      throw keepsMoving(body.run_id);
    },

    async 'promotion.rollback-evaluate'({ params, body, actor, now }) {
      const [[rolledBack], [existing]] = await deps.database.read([runById({ run_id: params.run_id }), runById({ run_id: body.run_id })]);
      const request = { ...body, reason: body.reason ?? '' };
      if (existing !== undefined) assertSameRequest(existing, rollbackDigest(params.run_id, request), actor);
      const { target, left } = await whatToLeave(deps, params.run_id, rolledBack, actor);
      const to = await lastVerified(deps, (snapshotId) => verifier.check(snapshotId), target, left.generation);
      const { facts: read } = await readFacts({ ...deps.sources, database: deps.database }, factRequest(request, target, to), actor, now);
      // The deed records this reading before it is judged, so the rehearsal is judged on it too.
      const facts: Facts = {
        ...read,
        snapshot: read.snapshot === null ? null : { ...read.snapshot, verification: 'verified', verified_at: now },
      };
      const decision = decide(buildInput(facts), deps.packs.compiled(facts.packs), now);
      const answered = body.with_sources ? { ...facts, packs: await deps.packs.sourced(facts.packs) } : facts;
      return { schemaVersion, kind: 'Evaluation' as const, facts: answered, decision: shown(decision, decisionDigest(decision), true) };
    },
  };
}

/** What a rollback leaves behind, for the version that is active in the facts it was judged on. */
export function aftermathOf(deps: PromotionDependencies, facts: Facts, context: SagaContext, reason: string): Extra {
  const left = facts.pointers.to;
  if (left === null) throw new Error('a rollback of a target that never moved');
  const audit = facts.contract?.body.pending_audit;
  return rollbackAftermath(
    facts,
    context,
    left,
    reason,
    { hold_id: `hold-${deps.randomHex(8)}`, audit_id: `audit-${deps.randomHex(8)}` },
    { owner: audit?.owner ?? facts.request.actor.actor_id, sla_ms: durationMs(audit?.sla ?? '24h') },
  );
}

type Target = { readonly tenant_id: string; readonly dataset_id: string; readonly to_layer: 'RAW' | 'GDP' | 'KPI' };

async function whatToLeave(deps: PromotionDependencies, runId: string, run: RunRow | undefined, actor: Actor) {
  if (run === undefined || run.kind === 'job' || !mayAffect(actor, 'promotion.rollback', run)) {
    throw new Problem('not-found', { detail: `no promotion ${runId}`, hint: 'govctl promotion ls' });
  }
  const target: Target = { tenant_id: run.tenant_id, dataset_id: run.dataset_id, to_layer: run.to_layer as Target['to_layer'] };
  const [[current]] = await deps.database.read([
    activePointer({ tenant_id: target.tenant_id, dataset_id: target.dataset_id, layer: target.to_layer }),
  ]);
  if (current === undefined || current.run_id !== runId) {
    throw new Problem('unprocessable', {
      detail: `run ${runId} is not what ${target.dataset_id} ${target.to_layer} stands at${current === undefined ? '' : ` (that is ${current.run_id})`}`,
      hint:
        current === undefined ? `govctl dataset history ${target.dataset_id}` : `govctl promotion rollback ${current.run_id} --reason ...`,
    });
  }
  return { target, left: { generation: current.generation } };
}

/** The newest earlier version that is neither quarantined nor withdrawn and whose every byte is still what it was. */
async function lastVerified(
  deps: PromotionDependencies,
  read: (snapshotId: string) => Promise<{ readonly verified: boolean }>,
  target: Target,
  before: number,
): Promise<EarlierVersionRow> {
  const [versions] = await deps.database.read([
    earlierVersions({ tenant_id: target.tenant_id, dataset_id: target.dataset_id, layer: target.to_layer, before }),
  ]);
  const tried = new Set<string>();
  for (const version of versions) {
    if (version.quarantined_at !== null || tried.has(version.snapshot_id)) continue;
    tried.add(version.snapshot_id);
    if ((await read(version.snapshot_id)).verified) return version;
  }
  throw new Problem('unprocessable', {
    detail: `${target.dataset_id} ${target.to_layer} has no earlier version that verifies: ${versions.length === 0 ? 'this is its first' : `${versions.length} looked at, each quarantined or damaged`}`,
    hint: `govctl dataset history ${target.dataset_id}; promote a corrected snapshot instead`,
  });
}

function factRequest(body: RollbackRequest, target: Target, to: EarlierVersionRow) {
  return {
    run_id: body.run_id,
    tenant_id: target.tenant_id,
    dataset_id: target.dataset_id,
    from_layer: target.to_layer,
    to_layer: target.to_layer,
    promotion_type: 'rollback' as const,
    snapshot_id: to.snapshot_id,
    evidence: null,
    expected_policy_rev: body.expected_policy_rev ?? null,
    expected_parity_contract: null,
    expected_config_digest: null,
    rollback: { target_generation: to.generation },
  };
}
