import type { DecisionBody } from '@govctl/core/decision';
import { buildInput, type DecisionDocument, decide, decisionDigest, type Facts } from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import type { PromotionDocument } from '@govctl/core/promotion';
import { decisionCases } from '../../../../../fixtures/decision/corpus.ts';

/** Facts of a case of the corpus, by its name. */
export function factsOf(name: string): Facts {
  const found = decisionCases().find((one) => one.name === name);
  if (found === undefined) throw new Error(`the corpus has no case ${name}`);
  return found.facts;
}

export function decided(facts: Facts, at = facts.as_of): DecisionBody {
  return decide(buildInput(facts), compilePacks(facts.packs), at);
}

/** What govd answers to `promotion.evaluate`. */
export function evaluation(facts: Facts, change: Partial<DecisionDocument> = {}, at?: string) {
  const body = decided(facts, at);
  const decision: DecisionDocument = {
    schemaVersion: 'govctl/v1',
    kind: 'Decision',
    ...body,
    decision_digest: decisionDigest(body),
    dry_run: true,
    ...change,
  };
  return { schemaVersion: 'govctl/v1' as const, kind: 'Evaluation' as const, facts, decision };
}

const standings = {
  allow: ['COMPLETED', 'succeeded'],
  deny: ['FAILED', 'failed_policy'],
  defer: ['GOVERNANCE_CHECK', 'deferred'],
} as const;

/** A promotion as govd would show it after deciding these facts. */
export function promotionOf(facts: Facts, change: Partial<PromotionDocument> = {}): PromotionDocument {
  const body = decided(facts);
  const [phase, status] = standings[body.decision];
  const { request } = facts;
  return {
    schemaVersion: 'govctl/v1',
    kind: 'Promotion',
    run_id: request.run_id,
    run_kind: 'promotion',
    tenant_id: request.tenant_id,
    dataset_id: request.dataset_id,
    from_layer: request.from_layer,
    to_layer: request.to_layer,
    snapshot_id: request.snapshot_id,
    phase,
    status,
    created_at: facts.as_of,
    updated_at: facts.as_of,
    decision: { ...body, decision_digest: decisionDigest(body) },
    decision_ref: `sha256:${'d'.repeat(64)}`,
    evidence: { ref: `sha256:${'e'.repeat(64)}`, leaf_index: 4, tree_size: 5, proof: [], checkpoint: 'log\n5\n' },
    active:
      phase === 'COMPLETED'
        ? {
            dataset_id: request.dataset_id,
            layer: request.to_layer,
            snapshot_id: request.snapshot_id,
            generation: 1,
            decision_ref: `sha256:${'d'.repeat(64)}`,
          }
        : null,
    next_eligible_at: body.next_eligible_at ?? null,
    defer_until: null,
    waiting_on: body.waiting_on ?? [],
    reason: null,
    supersedes: null,
    rolls_back: null,
    pending_audit: null,
    phases: [{ phase, status, event: 'request', at: facts.as_of }],
    trace_id: 'f'.repeat(32),
    ...change,
  };
}
