import { Problem, type promotionRoutes, schemaVersion } from '@govctl/core/api';
import type { DecisionBody } from '@govctl/core/decision';
import {
  decodeEnvelope,
  digestOf,
  type Envelope,
  enrolPublicKey,
  envelopeOfLeaf,
  jcsDigest,
  parseLeafBody,
  rawPublicKey,
  signingKeys,
} from '@govctl/core/evidence';
import { mayAffect } from '@govctl/core/identity';
import { carryOut, confirmCommit, decideForRemote, type RunRow, type RunState, startRun, storeMove } from '@govctl/core/promotion';
import { query } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import { openSuspension } from '../tenant/queries.ts';
import { newestWitnessed } from '../witness/queries.ts';
import type { LogReader } from './answer.ts';
import { type FactRequest, lockKeyOf } from './facts.ts';
import { shown } from './handler.ts';
import {
  committed,
  deferLimits,
  judge,
  keepsMoving,
  type PromotionDependencies,
  rebuilds,
  type StoredRequest,
  sagaContext,
  traceIdOf,
} from './judge.ts';
import { alreadyPaused } from './pause.ts';
import { activePointer, recordByRef, runById, snapshotFact } from './queries.ts';
import { assertSameRequest } from './replay.ts';
import { resume } from './run-start.ts';

export type BoundaryDependencies = PromotionDependencies & {
  readonly log: LogReader;
  /** Governance keys this store believes: pinned here, never taken from a request. */
  readonly governanceKeys: readonly Uint8Array[];
};

const contractDataset = query<{ contract_id: string }, { tenant_id: string; dataset_id: string }>(
  'contract dataset',
  'SELECT tenant_id, dataset_id FROM contract WHERE contract_id = :contract_id ORDER BY version DESC LIMIT 1',
);
const lockRow = query<{ lock_key: string }, { fence: number }>('lock row', 'SELECT fence FROM lock WHERE lock_key = :lock_key');

const steps = { raw_to_gdp: ['RAW', 'GDP'], gdp_to_kpi: ['GDP', 'KPI'] } as const;

/** The four role boundaries of the source, each served at its path, for an orchestrator that is not this daemon. */
export function boundaryHandlers(
  deps: BoundaryDependencies,
): Pick<Handlers<typeof promotionRoutes>, 'subscription.check' | 'governance.decide' | 'store.promote' | 'governance.confirm'> {
  const trusted = deps.governanceKeys.map((spki) => enrolPublicKey(rawPublicKey(spki)));
  const deployment = {
    environment: deps.deployment.environment,
    service_release_id: deps.deployment.service_release_id,
    salt: () => deps.randomHex(16),
  };

  return {
    async 'subscription.check'({ body: { tenant } }) {
      const [[suspended]] = await deps.database.read([openSuspension({ tenant_id: tenant })]);
      const check = { schemaVersion, kind: 'SubscriptionCheck' as const, tenant, refresh_at: null };
      // Why it is suspended is for those who may read it.
      if (suspended !== undefined)
        return { ...check, decision: 'deny' as const, reason: `the tenant is suspended since ${suspended.suspended_at}` };
      return { ...check, decision: 'allow' as const, reason: 'no plan limits this tenant' };
    },

    async 'governance.decide'({ params, body, actor, now, traceparent }) {
      const [[contract]] = await deps.database.read([contractDataset({ contract_id: params.contract_id })]);
      if (contract === undefined || !mayAffect(actor, 'governance.decide', contract))
        throw new Problem('not-found', { detail: `no contract ${params.contract_id}`, hint: 'govctl contract ls' });
      const { evidence } = body;
      const { run_id, promotion_type, snapshot_id } = evidence;
      if (run_id === undefined || snapshot_id === undefined || (promotion_type !== 'raw_to_gdp' && promotion_type !== 'gdp_to_kpi')) {
        throw new Problem('invalid-request', {
          detail: 'the evidence bundle needs run_id, snapshot_id and promotion_type (raw_to_gdp or gdp_to_kpi)',
        });
      }
      const [from_layer, to_layer] = steps[promotion_type];
      const digest = jcsDigest({ kind: 'governance.decide', contract_id: params.contract_id, evidence: jcsDigest(evidence) });
      const request: FactRequest = {
        run_id,
        ...contract,
        from_layer,
        to_layer,
        promotion_type,
        snapshot_id,
        evidence,
        expected_policy_rev: body.expected_policy_rev ?? evidence.expected_policy_rev ?? null,
        expected_parity_contract: null,
        expected_config_digest: null,
        rollback: null,
      };
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const judged = await judge(deps, request, actor, attempt === 0 ? now : deps.now());
        const { run } = judged.read;
        if (run !== null) assertSameRequest(run, digest, actor);
        if (run?.status === 'paused') throw alreadyPaused(run);
        if (run !== null && run.phase === 'FAILED' && run.decision_ref === null) throw neverDecided(run);
        // A deferred decision is asked again by its orchestrator, after it mended what was missing.
        if (run !== null && run.status !== 'deferred') return await signedDecision(deps, run);
        const { facts } = judged.read;
        const context = sagaContext(deps, judged.read, traceparent);
        const start =
          run === null
            ? startRun(
                {
                  run_id,
                  kind: 'promotion',
                  ...contract,
                  from_layer,
                  to_layer,
                  snapshot_id,
                  actor_id: actor.actor_id,
                  request_digest: digest,
                  created_at: facts.as_of,
                },
                facts,
                context,
                { trace_id: traceIdOf(deps, traceparent), request: { by: 'remote', facts: request, actor } satisfies StoredRequest },
              )
            : resume(run);
        const decided = { facts, decision: judged.decision, decision_digest: judged.decision_digest };
        const planned =
          judged.decision.decision === 'allow'
            ? decideForRemote(start, decided, context)
            : carryOut(start, decided, context, deferLimits(facts));
        const result = await committed(deps, planned, start);
        if (!result.ok) continue;
        if (planned.unit.records.length > 0) deps.decided(judged.decision.decision);
        return await signedDecision(deps, planned.row);
      }
      throw keepsMoving(run_id);
    },

    async 'store.promote'({ body, actor, now }) {
      const { run_id } = body;
      const [[run], [record]] = await deps.database.read([runById({ run_id }), recordByRef({ ref: body.decision_ref })]);
      if (run === undefined || !mayAffect(actor, 'store.promote', run))
        throw new Problem('not-found', {
          detail: `no run ${run_id}`,
          hint: 'ask governance for a decision first: POST /v1/governance/contracts/{id}/promotions',
        });
      const state = JSON.parse(run.state) as RunState;
      if (state.active !== undefined && run.decision_ref === body.decision_ref) return await alreadyMoved(deps, run, state);
      const decision = verifiedDecision(
        body.decision,
        body.decision_ref,
        trusted.map(({ spki, key }) => ({ spki, key })),
      );
      const refuse: (detail: string) => never = (detail) => {
        throw new Problem('unprocessable', {
          detail: `the store moves nothing: ${detail}`,
          hint: 'ask governance for a new decision with a new run_id',
        });
      };
      if (record === undefined) refuse('the decision is not in this log');
      if (run.decision_ref !== body.decision_ref) refuse('the decision is not the one of this run');
      if (decision.decision !== 'allow') refuse(`the decision is ${decision.decision}`);
      if (now < decision.valid_from || now > decision.valid_until)
        refuse(`the decision is valid from ${decision.valid_from} to ${decision.valid_until}, and it is ${now}`);
      const { subject } = decision;
      if (
        subject.dataset_id !== body.dataset_id ||
        subject.from_layer !== body.from_layer ||
        subject.to_layer !== body.to_layer ||
        decision.run_id !== run_id
      ) {
        refuse('the decision is about another run, dataset or layer');
      }
      const target = { tenant_id: subject.tenant_id, dataset_id: subject.dataset_id, layer: subject.to_layer };
      const lockKey = lockKeyOf(target);
      const [[snapshot], [pointer], [held]] = await deps.database.read([
        snapshotFact({ snapshot_id: subject.snapshot_id }),
        activePointer(target),
        lockRow({ lock_key: lockKey }),
      ]);
      if (snapshot === undefined || snapshot.snapshot_hash !== subject.snapshot_hash) refuse('the snapshot is not the one that was judged');
      if ((pointer?.generation ?? 0) !== body.expected_generation) {
        throw new Problem('stale', {
          detail: `${target.dataset_id} ${target.layer} is at generation ${pointer?.generation ?? 0}, not ${body.expected_generation}`,
          hint: 'ask governance for a new decision',
        });
      }
      if ((held?.fence ?? 0) !== body.fence - 1) {
        throw new Problem('stale', {
          detail: `fence ${body.fence} is not the next one (${(held?.fence ?? 0) + 1}): the target changed hands`,
          hint: 'ask governance for a new decision',
        });
      }
      const generation = body.expected_generation + 1;
      const start = resume(run);
      const planned = storeMove(
        start,
        run,
        {
          to_layer: body.to_layer,
          snapshot_id: subject.snapshot_id,
          snapshot_hash: subject.snapshot_hash ?? '',
          generation,
          fence: body.fence,
          lock_key: lockKey,
          replaced_snapshot_id: pointer?.snapshot_id ?? null,
          policy_rev: decision.policy_rev,
          promotion_type: decision.promotion_type,
        },
        actor,
        now,
        deployment,
      );
      const result = await committed(deps, planned, start);
      if (!result.ok)
        throw new Problem('stale', {
          detail: `the target moved while it was written (${result.guard})`,
          hint: 'ask governance for a new decision',
        });
      return await alreadyMoved(deps, planned.row, planned.state, false);
    },

    async 'governance.confirm'({ body, actor, now }) {
      const [[run]] = await deps.database.read([runById({ run_id: body.run_id })]);
      if (run === undefined || !mayAffect(actor, 'governance.confirm', run))
        throw new Problem('not-found', { detail: `no run ${body.run_id}`, hint: 'govctl promotion ls' });
      const state = JSON.parse(run.state) as RunState;
      if (run.decision_ref !== body.decision_ref || state.active === undefined || state.active.generation !== body.generation) {
        throw new Problem('unprocessable', {
          detail: 'the confirmation does not name what the store committed for this run',
          hint: `govctl promotion get ${body.run_id}`,
        });
      }
      const [[snapshot]] = await deps.database.read([snapshotFact({ snapshot_id: state.active.snapshot_id })]);
      if (snapshot?.snapshot_hash !== body.snapshot_hash)
        throw new Problem('unprocessable', {
          detail: 'the confirmed snapshot_hash is not what the store holds',
          hint: `govctl snapshot verify ${state.active.snapshot_id}`,
        });
      if (run.phase === 'COMPLETED') return await deps.answers.answer(run);
      await requireWitnessed(deps, run);
      const start = resume(run);
      const planned = confirmCommit(start, run, body.snapshot_hash, actor, now, deployment);
      const result = await committed(deps, planned, start);
      if (!result.ok) throw keepsMoving(run.run_id);
      return await deps.answers.answer(planned.row);
    },
  };
}

/** @throws Problem `unprocessable` when the envelope is not this decision, signed by a governance key pinned here. */
function verifiedDecision(envelope: Envelope, ref: string, keys: Parameters<typeof signingKeys>[2]): DecisionBody {
  const decoded = decodeEnvelope(envelope);
  const bad = (detail: string): Problem =>
    new Problem('unprocessable', { detail: `the decision envelope ${detail}`, hint: 'send the envelope as governance gave it' });
  if (decoded === undefined) throw bad('is not readable');
  if (digestOf(decoded.payload) !== ref) throw bad('is not the one of decision_ref');
  if (signingKeys(decoded.payload, decoded.sigs, keys).length === 0) throw bad('is not signed by a governance key of this store');
  return (JSON.parse(Buffer.from(decoded.payload).toString('utf8')) as { predicate: { decision: DecisionBody } }).predicate.decision;
}

/** Where witnesses must have seen a promotion, nobody else's word completes it. */
async function requireWitnessed({ database, witnesses: { quorum } }: BoundaryDependencies, run: RunRow): Promise<void> {
  if (quorum === 0) return;
  const [[head], [record]] = await database.read([newestWitnessed({}), recordByRef({ ref: run.evidence_ref ?? '' })]);
  if (record !== undefined && head !== undefined && record.leaf_index < head.size) return;
  throw new Problem('evidence-unavailable', {
    detail: `the promotion of ${run.run_id} is not cosigned by ${quorum} witnesses yet`,
    hint: 'send the confirmation again; which witness is away: govctl doctor',
    retryAfterSeconds: 1,
  });
}

async function alreadyMoved(deps: BoundaryDependencies, run: RunRow, state: RunState, already = true) {
  const { active } = state;
  if (active === undefined) throw new Error('a moved run without its pointer');
  const [[pointer]] = await deps.database.read([
    pointerOfRun({ tenant_id: run.tenant_id, dataset_id: run.dataset_id, layer: active.layer, generation: active.generation }),
  ]);
  return {
    schemaVersion,
    kind: 'StorePromotion' as const,
    run_id: run.run_id,
    dataset_id: run.dataset_id,
    layer: active.layer as 'GDP',
    snapshot_id: active.snapshot_id,
    generation: active.generation,
    decision_ref: active.decision_ref,
    committed_at: pointer?.moved_at ?? run.updated_at,
    already,
  };
}

function neverDecided(run: RunRow): Problem {
  return new Problem('conflict', {
    detail: `run ${run.run_id} failed before it was decided: ${(JSON.parse(run.state) as RunState).reason ?? run.status}`,
    hint: 'mend that (govctl doctor), and ask with a new run_id',
  });
}

const pointerOfRun = query<{ tenant_id: string; dataset_id: string; layer: string; generation: number }, { moved_at: string }>(
  'pointer generation',
  'SELECT moved_at FROM pointer WHERE tenant_id = :tenant_id AND dataset_id = :dataset_id AND layer = :layer AND generation = :generation',
);

async function signedDecision(
  deps: BoundaryDependencies,
  run: RunRow,
): Promise<Awaited<ReturnType<Handlers<typeof promotionRoutes>['governance.decide']>>> {
  const [[record]] = await deps.database.read([recordByRef({ ref: run.decision_ref ?? '' })]);
  if (record?.payload == null || record.covering_size === null) throw new Error('a decided run without its record');
  const { predicate } = JSON.parse(Buffer.from(record.payload).toString('utf8')) as {
    predicate: { decision: DecisionBody; decision_digest: string };
  };
  const state = JSON.parse(run.state) as RunState;
  return {
    schemaVersion,
    kind: 'SignedDecision' as const,
    run_id: run.run_id,
    decision: { ...shown(predicate.decision, predicate.decision_digest, false), decision_ref: record.ref },
    decision_ref: record.ref,
    envelope: envelopeOfLeaf(record.payload, parseLeafBody(record.body)) as {
      payloadType: string;
      payload: string;
      signatures: { keyid?: string; sig: string }[];
    },
    evidence: await deps.log.place(record.ref, record.leaf_index, record.covering_size),
    fence: state.store?.fence ?? 0,
    expected_generation: state.store?.expected_generation ?? 0,
  };
}
