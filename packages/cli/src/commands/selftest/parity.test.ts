import { Problem, type RouteInput, type RouteList } from '@govctl/core/api';
import { buildInput, type DecisionDocument, decide, decisionDigest, type Facts, fromFactsFile } from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import { decisionCases } from '@govctl/fixtures/decision/corpus.ts';
import { describe, expect, it } from 'vitest';
import { type FakeRoutes, fakeClient, fakeContext } from '../../command.fixture.ts';
import { run } from './parity.ts';

const cases = decisionCases();

function decided(facts: Facts): DecisionDocument {
  const body = decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
  return { schemaVersion: 'govctl/v1', kind: 'Decision', ...body, decision_digest: decisionDigest(body), dry_run: true };
}

const honest = ({ body }: RouteInput<RouteList['decision.evaluate']>) => decided(fromFactsFile(body));

async function report(routes: FakeRoutes, snapshots = 0) {
  const { context, stderr } = fakeContext({ client: fakeClient(routes) });
  const result = await run(context, {}, { snapshots });
  if (!('document' in result)) throw new Error('no document');
  return { exit: result.exit, document: result.document as unknown as Report, stderr };
}

type Report = {
  cases: number;
  exact: number;
  live: number;
  differing: { name: string; path: string; tag: string; differs: string[]; here: string; there: string | null }[];
};

describe('selftest parity', () => {
  it('is exact with a daemon that runs this kernel', async () => {
    const { exit, document } = await report({ 'decision.evaluate': honest });
    expect(exit).toBe('ok');
    expect(document).toMatchObject({ kind: 'ParityReport', cases: cases.length, exact: cases.length, differing: [] });
  });

  it.each([
    ['lets one gate pass that fails', 'kernel-skew', (decision: DecisionDocument) => relaxed(decision)],
    ['calls itself another kernel', 'kernel-skew', (decision: DecisionDocument) => resealed({ ...decision, kernel_version: '0' })],
    ['judges by other policies', 'policy-skew', (decision: DecisionDocument) => resealed({ ...decision, policy_rev: null })],
    ['read other facts', 'facts-skew', (decision: DecisionDocument) => resealed({ ...decision, input_digest: `sha256:${'0'.repeat(64)}` })],
  ])('names the case, and fails, for a daemon that %s', async (_what, tag, change) => {
    const wanted = cases.find(({ expect: { decision } }) => decision === 'deny');
    const { exit, document } = await report({
      'decision.evaluate': (input) => {
        const decision = honest(input);
        return decision.input_digest === decided(wanted?.facts as Facts).input_digest ? change(decision) : decision;
      },
    });
    expect(exit).toBe('integrity');
    expect(document.exact).toBe(cases.length - 1);
    expect(document.differing).toMatchObject([{ name: wanted?.name, path: 'decision.evaluate', tag }]);
  });

  it('computes the digest itself: a changed decision under the right digest is found', async () => {
    const { exit, document } = await report({
      'decision.evaluate': (input) => ({ ...honest(input), decision: 'allow' }),
    });
    expect(exit).toBe('integrity');
    const blocked = cases.filter(({ expect: { decision } }) => decision !== 'allow');
    expect(document.differing.map(({ name }) => name)).toEqual(blocked.map(({ name }) => name));
  });

  it('takes facts that the daemon cannot read for a difference, and goes on', async () => {
    let first = true;
    const { exit, document } = await report({
      'decision.evaluate': (input) => {
        if (!first) return honest(input);
        first = false;
        throw new Problem('invalid-request', { detail: 'body.colour: unknown' });
      },
    });
    expect(exit).toBe('integrity');
    expect(document.differing).toMatchObject([
      { name: cases[0]?.name, tag: 'kernel-skew', differs: ['refused: body.colour: unknown'], there: null },
    ]);
    expect(document.exact).toBe(cases.length - 1);
  });

  it('holds the gate itself to the facts it read', async () => {
    const live = cases[0]?.facts as Facts;
    const gate = (decision: DecisionDocument): FakeRoutes => ({
      'decision.evaluate': honest,
      'snapshot.ls': () => ({ schemaVersion: 'govctl/v1', kind: 'SnapshotList', items: [snapshotRow], next_cursor: null }),
      'promotion.evaluate': () => ({ schemaVersion: 'govctl/v1', kind: 'Evaluation', facts: live, decision }),
    });
    const same = await report(gate(decided(live)), 1);
    expect([same.exit, same.document.live, same.document.differing]).toEqual(['ok', 2, []]);
    const lenient = await report(gate(resealed({ ...decided(live), valid_until: '2030-01-01T00:00:00.000Z' })), 1);
    expect(lenient.exit).toBe('integrity');
    expect(lenient.document.differing.map(({ path }) => path)).toEqual(['promotion.evaluate', 'promotion.evaluate']);
  });

  it('compares the corpus for somebody who may see no snapshot, and says so', async () => {
    const { exit, document, stderr } = await report(
      {
        'decision.evaluate': honest,
        'snapshot.ls': () => {
          throw new Problem('forbidden', { detail: 'no grant for snapshot.read' });
        },
      },
      5,
    );
    expect([exit, document.live]).toEqual(['ok', 0]);
    expect(stderr()).toContain('only the corpus was compared');
  });
});

const snapshotRow = {
  snapshot_id: 'orders-1',
  tenant_id: 'default',
  dataset_id: 'orders',
  layer: 'RAW' as const,
  snapshot_hash: `sha256:${'e'.repeat(64)}`,
  file_count: 1,
  total_bytes: 1,
  missing_objects: 0,
  environment: 'local_parity',
  service_release_id: 'r',
  created_at: '2026-11-21T10:30:00.000Z',
  created_by: 'HUMAN::ada',
  verification: 'registered' as const,
  verified_at: null,
  quarantined_at: null,
  quarantine_reason: null,
  quarantine_run_id: null,
  flagged_reason: null,
};

function resealed(decision: DecisionDocument): DecisionDocument {
  return { ...decision, decision_digest: decisionDigest(decision) };
}

function relaxed(decision: DecisionDocument): DecisionDocument {
  return resealed({ ...decision, gates: decision.gates.map((gate) => (gate.outcome === 'fail' ? { ...gate, outcome: 'pass' } : gate)) });
}
