import { buildInput, type DecisionBody, type DecisionDocument, decide, decisionDigest, type Facts } from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import type { PromotionDocument } from '@govctl/core/promotion';
import { decisionCases } from '../../../../../fixtures/decision/corpus.ts';
import type { Client } from '../../client/client.ts';
import { type FakeClient, fakeClient, fakeStreams } from '../../command.fixture.ts';
import type { Entry } from '../../command.ts';
import { runProgram } from '../../run.ts';
import { promoteCommand } from './declaration.ts';

/** The command line of a promotion that the corpus has facts about. */
export const asked = ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', 'orders-1', '--tenant', 'default'];

/** The whole program in a folder, with a stand-in for the daemon. */
export function programIn(folder: () => string, entries: readonly Entry[] = [promoteCommand]) {
  return async (argv: readonly string[], client: Client = fakeClient(), env: Readonly<Record<string, string>> = {}, stdin = '') => {
    const captured = fakeStreams({ stdin });
    const code = await runProgram(entries, argv, {
      streams: captured.streams,
      env,
      cwd: folder(),
      signal: new AbortController().signal,
      now: () => new Date('2026-11-21T12:00:00.000Z'),
      client,
    });
    return { code, stdout: captured.stdout(), stderr: captured.stderr(), json: <T>() => JSON.parse(captured.stdout()) as T };
  };
}

/** Bodies a command sent. */
export function bodies(client: FakeClient) {
  return client.calls.map(({ input }) => (input as { body: Readonly<Record<string, unknown>> }).body);
}

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
    job_run_id: null,
    rolls_back: null,
    pending_audit: null,
    incident_id: null,
    lesson: null,
    audit: { status: 'COMPLETE', missing_actions: [], drift_actions: [], stale_run: false, is_clean: true },
    policy_rev: facts.policy?.policy_rev ?? null,
    approvals: [],
    phases: [{ phase, status, event: 'request', at: facts.as_of }],
    trace_id: 'f'.repeat(32),
    pause: null,
    risk_level: 'normal',
    observability_status: null,
    observability_error: null,
    ...change,
  };
}
