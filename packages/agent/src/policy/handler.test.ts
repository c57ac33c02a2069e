import { contractApplicationDocument, policyActivationDocument } from '@govctl/core/api';
import { toFactsFile } from '@govctl/core/decision';
import { digestOf, parseStatement } from '@govctl/core/evidence';
import { policyRevOf } from '@govctl/core/policy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decisionCases, fixturePack } from '../../../../fixtures/decision/corpus.ts';
import { testActor } from '../http/serve.fixture.ts';
import { type TestGovernance, testGovernance } from './governance.fixture.ts';

let at: TestGovernance;
beforeEach(async () => {
  at = await testGovernance();
});
afterEach(() => at.close());

const gdp = fixturePack('gdp-default');
const activate = (source: string, more: object = {}) => at.http.request('POST', '/v1/policies/activations', { body: { source, ...more } });
const apply = (source: string, more: object = {}) => at.http.request('POST', '/v1/contracts', { body: { source, ...more } });
const edited = (from: string, to: string) => {
  expect(gdp.source).toContain(from);
  return gdp.source.replace(from, to);
};
const contract = (lines = '') => `apiVersion: govctl/v1
kind: Contract
contract_id: orders
dataset_id: orders
promotion_types: [raw_to_gdp]
policy_packs: [gdp-default]
requires_coverage: false
${lines}`;

/** Everything the journal holds, so that "nothing was written" is a fact and not a hope. */
function written(): unknown {
  const tables = at.journal.handle.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all() as {
    name: string;
  }[];
  return tables.map(({ name }) => [name, at.journal.handle.prepare(`SELECT * FROM ${name}`).all()]);
}

function records() {
  const rows = at.journal.handle
    .prepare('SELECT r.ref, p.payload FROM record r JOIN record_payload p USING (leaf_index) ORDER BY r.leaf_index')
    .all() as { ref: string; payload: Uint8Array }[];
  return rows.map(({ ref, payload }) => {
    const parsed = parseStatement(JSON.parse(Buffer.from(payload).toString('utf8')));
    if (!parsed.ok || parsed.statement.kind !== 'governance-fact') throw new Error(parsed.ok ? parsed.statement.kind : parsed.reason);
    return { ref, ...parsed.statement };
  });
}

const events = () =>
  (at.journal.handle.prepare('SELECT events FROM outbox ORDER BY outbox_id').all() as { events: string }[]).flatMap(
    (row) => JSON.parse(row.events) as { type: string; data: Record<string, unknown> }[],
  );

describe('policy activation', () => {
  it('stores the pack byte for byte, moves policy_rev, and leaves a record and an event of it', async () => {
    expect((await at.http.request('GET', '/v1/policies/active')).json).toMatchObject({ policy_rev: null, activation: 0, packs: [] });
    const answer = await activate(gdp.source);
    expect(answer.status).toBe(200);
    const document = policyActivationDocument.parse(answer.json);
    const policy_rev = policyRevOf([gdp.ref]);
    expect(document).toMatchObject({ activated: true, policy_rev, previous_policy_rev: null, activation: 1, packs: [gdp.ref] });

    const shown = (await at.http.request('GET', '/v1/policies/packs/gdp-default')).json;
    expect(shown).toMatchObject({ ...gdp.ref, active: true, source: gdp.source });
    expect((await at.http.request('GET', `/v1/policies/packs/${gdp.ref.digest}`)).json).toEqual(shown);
    expect((await at.http.request('GET', '/v1/policies/active')).json).toMatchObject({ policy_rev, activated_by: 'HUMAN::ada' });

    const [record, ...others] = records();
    expect(others).toEqual([]);
    expect(record?.ref).toBe(document.evidence_ref);
    expect(record?.predicate).toMatchObject({
      fact: 'policy.activate',
      digest: gdp.ref.digest,
      actor: at.ada,
      detail: { code: 'POLICY_REV_CHANGED', from: null, to: policy_rev },
    });
    expect(record?.subject.map((subject) => `sha256:${subject.digest.sha256}`)).toContain(gdp.ref.digest);
    expect(events()).toMatchObject([{ type: 'policy.rev.changed', data: { from: null, to: policy_rev } }]);
  });

  it('does nothing when exactly this pack is active', async () => {
    const first = policyActivationDocument.parse((await activate(gdp.source)).json);
    const before = written();
    const again = policyActivationDocument.parse((await activate(gdp.source)).json);
    expect(again).toMatchObject({ activated: false, policy_rev: first.policy_rev, activation: 1, evidence_ref: null });
    expect(written()).toEqual(before);
  });

  it('refuses a pack whose fixtures do not show what its rules say, and names each', async () => {
    const before = written();
    const mustFailPasses = await activate(
      edited('require: snapshot.file_count > 0 && snapshot.total_bytes > 0', 'require: snapshot.file_count >= 0'),
    );
    expect(mustFailPasses.status).toBe(422);
    expect(mustFailPasses.json.reasons).toEqual([
      { path: 'not-empty: no files', message: 'must fail, and the rule says pass' },
      { path: 'not-empty: empty files', message: 'must fail, and the rule says pass' },
    ]);
    const lacking = await activate(
      edited('    - { rule: named-release, input: { snapshot: { service_release_id: "Unknown release" } } }\n', ''),
    );
    expect(lacking.json).toMatchObject({
      code: 'unprocessable',
      reasons: [{ path: 'named-release', message: 'has no fixture that must fail' }],
    });
    const unreadable = await activate(edited('snapshot.total_bytes > 0', 'snapshot.totl_bytes > 0'));
    expect(unreadable.json.reasons).toMatchObject([{ path: expect.stringMatching(/^rules\[0\]\.require \(\d+:\d+\)$/) }]);
    expect(written()).toEqual(before);
  });

  it('takes a stale expectation for what it is, and a version for something that never changes', async () => {
    expect((await activate(gdp.source, { expected_policy_rev: gdp.ref.digest })).json.code).toBe('stale');
    const { policy_rev } = (await activate(gdp.source, { expected_policy_rev: null })).json;
    const next = edited('version: 1.0.0', 'version: 1.1.0');
    const before = written();
    expect((await activate(next, { expected_policy_rev: null })).status).toBe(412);
    const sameVersion = await activate(edited('less than an hour ago', 'a short while ago'));
    expect([sameVersion.status, sameVersion.json.code]).toEqual([422, 'unprocessable']);
    expect(written()).toEqual(before);

    const moved = await activate(next, { expected_policy_rev: policy_rev });
    expect(moved.json).toMatchObject({ activated: true, previous_policy_rev: policy_rev, activation: 2, packs: [{ version: '1.1.0' }] });
    const back = await activate(gdp.source);
    expect(back.json).toMatchObject({ activated: true, policy_rev, activation: 3 });
    const { items } = (await at.http.request('GET', '/v1/policies/packs')).json as { items: { version: string; active: boolean }[] };
    expect(items.map(({ version, active }) => [version, active])).toEqual([
      ['1.0.0', true],
      ['1.1.0', false],
    ]);
  });

  it('of two at the same moment both come into force, one after the other', async () => {
    const other = fixturePack('odd');
    const [one, two] = await Promise.all([activate(gdp.source), activate(other.source)]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect((await at.http.request('GET', '/v1/policies/active')).json).toMatchObject({
      activation: 2,
      policy_rev: policyRevOf([gdp.ref, other.ref]),
    });
  });

  it('is for those whose grant covers every dataset of every tenant', async () => {
    at.http.actor = testActor({ actions: ['*'], tenants: ['*'], datasets: ['orders'] });
    const before = written();
    expect((await activate(gdp.source)).json).toMatchObject({ code: 'forbidden' });
    expect(written()).toEqual(before);
    at.http.actor = testActor({ actions: ['policy.*'], tenants: ['*'], datasets: ['*'] });
    expect((await activate(gdp.source)).status).toBe(200);
  });

  it('names the contracts that still pin another version', async () => {
    await activate(gdp.source);
    await apply(contract());
    const moved = await activate(edited('version: 1.0.0', 'version: 1.1.0'));
    expect(moved.json.contracts_to_apply).toEqual(['orders']);
    expect((await apply(contract())).json).toMatchObject({ applied: true, version: 2, contract: { policy_packs: [{ version: '1.1.0' }] } });
    expect((await activate(edited('version: 1.0.0', 'version: 1.1.0'))).json.contracts_to_apply).toEqual([]);
  });

  it('takes a pack out of force, on record, once, and only the set that was meant', async () => {
    const odd = fixturePack('odd');
    const deactivate = (pack: string, more: object = {}) =>
      at.http.request('POST', `/v1/policies/packs/${pack}/deactivate`, { body: { reason: 'its rule is wrong', ...more } });
    expect((await deactivate('gdp-default')).json.code).toBe('not-found');
    await activate(gdp.source);
    await activate(odd.source);
    await apply(contract());
    const both = policyRevOf([gdp.ref, odd.ref]);
    const before = written();
    expect((await deactivate('gdp-default', { expected_policy_rev: gdp.ref.digest })).json.code).toBe('stale');
    expect((await at.http.request('POST', '/v1/policies/packs/gdp-default/deactivate', { body: {} })).json.code).toBe('invalid-request');
    at.http.actor = testActor({ actions: ['*'], tenants: ['*'], datasets: ['orders'] });
    expect((await deactivate('gdp-default')).json.code).toBe('forbidden');
    expect(written()).toEqual(before);

    at.http.actor = testActor({ actions: ['policy.*'], tenants: ['*'], datasets: ['*'] });
    const { json } = await deactivate('gdp-default', { expected_policy_rev: both });
    const policy_rev = policyRevOf([odd.ref]);
    expect(json).toMatchObject({
      deactivated: true,
      pack: gdp.ref,
      packs: [odd.ref],
      policy_rev,
      previous_policy_rev: both,
      activation: 3,
    });
    expect(json.contracts_waiting).toEqual(['orders']);
    expect((await at.http.request('GET', '/v1/policies/active')).json).toMatchObject({ policy_rev, packs: [odd.ref] });
    expect(records().at(-1)).toMatchObject({
      ref: json.evidence_ref,
      predicate: { fact: 'policy.deactivate', digest: gdp.ref.digest, reason: 'its rule is wrong', detail: { from: both, to: policy_rev } },
    });
    expect(events().at(-1)).toMatchObject({ type: 'policy.rev.changed', data: { pack: gdp.ref, active: false, to: policy_rev } });

    const after = written();
    expect((await deactivate('gdp-default')).json).toMatchObject({ deactivated: false, policy_rev, evidence_ref: null });
    expect(written()).toEqual(after);
    expect((await deactivate('odd')).json).toMatchObject({ deactivated: true, packs: [], policy_rev: policyRevOf([]) });
    expect((await activate(gdp.source)).json).toMatchObject({ activated: true, packs: [gdp.ref], activation: 5 });
  });

  it('does not know a pack that nobody stored', async () => {
    expect((await at.http.request('GET', '/v1/policies/packs/nothing')).json.code).toBe('not-found');
    expect((await at.http.request('GET', `/v1/policies/packs/${digestOf('nothing')}`)).json.code).toBe('not-found');
  });
});

describe('contract', () => {
  beforeEach(async () => {
    await activate(gdp.source);
  });

  it('is pinned, versioned and recorded, and wakes what waits for its dataset', async () => {
    const answer = contractApplicationDocument.parse((await apply(contract())).json);
    expect(answer).toMatchObject({ version: 1, applied: true, contract: { policy_packs: [gdp.ref], max_evidence_age: '24h' } });
    const record = records().at(-1);
    expect(record?.ref).toBe(answer.evidence_ref);
    expect(record?.predicate).toMatchObject({
      fact: 'contract.apply',
      digest: answer.digest,
      dataset_id: 'orders',
      detail: { version: 1 },
    });
    expect(record?.subject).toEqual([{ name: 'contract/orders@1', digest: { sha256: answer.digest.slice(7) } }]);
    const revision = () => (at.journal.handle.prepare('SELECT revision FROM dataset').get() as { revision: number }).revision;
    expect(revision()).toBe(1);

    const before = written();
    const again = await apply(contract('# said again, with a comment'));
    expect(again.json).toMatchObject({ applied: false, version: 1, evidence_ref: null });
    expect(written()).toEqual(before);

    expect((await apply(contract('min_quality_score: 0.9'), { expected_version: 1 })).json).toMatchObject({ applied: true, version: 2 });
    expect(revision()).toBe(2);
    expect((await apply(contract('min_quality_score: 0.8'), { expected_version: 1 })).status).toBe(412);
    expect((await at.http.request('GET', '/v1/contracts/orders')).json).toMatchObject({ version: 2, contract: { min_quality_score: 0.9 } });
    expect((await at.http.request('GET', '/v1/contracts/orders?version=1')).json).toMatchObject({
      version: 1,
      contract: { min_quality_score: 1 },
    });
    expect((await at.http.request('GET', '/v1/contracts/orders?version=3')).json.code).toBe('not-found');
    const { items } = (await at.http.request('GET', '/v1/contracts?contract_id=orders')).json as { items: { version: number }[] };
    expect(items.map(({ version }) => version)).toEqual([1, 2]);
    expect((await at.http.request('GET', '/v1/contracts')).json.items).toMatchObject([{ contract_id: 'orders', version: 2 }]);
  });

  it('refuses everything it cannot meet at once, with a fix for each, and writes nothing', async () => {
    const before = written();
    const demands = contract(
      'signers: { threshold: 1 }\napprovals: { quorum: 2, overridable_rules: [snapshot] }\ndefer: { then: escalate }',
    ).replace('[gdp-default]', '[nobody]');
    const answer = await apply(demands);
    expect(answer.status).toBe(422);
    expect((answer.json.reasons as { path: string }[]).map(({ path }) => path).toSorted()).toEqual([
      'approvals.overridable_rules',
      'defer.then',
      'policy_packs[0]',
      'signers.threshold',
    ]);
    expect(answer.json.hint).toContain('govctl policy activate nobody.yaml');
    const unknown = await apply(contract('colour: blue'));
    expect(unknown.json.reasons).toEqual([{ path: 'colour (8:1)', message: "unknown field 'colour'" }]);
    expect(written()).toEqual(before);
  });

  it('governs one dataset, and a dataset has one', async () => {
    await apply(contract());
    const before = written();
    const moved = await apply(contract().replace('dataset_id: orders', 'dataset_id: clients'));
    expect([moved.status, moved.json.detail]).toEqual([422, 'contract_id orders is used for another dataset']);
    const second = await apply(contract().replace('contract_id: orders', 'contract_id: other'));
    expect(second.json.hint).toContain('contract_id: orders');
    expect(written()).toEqual(before);
  });

  it('of two second contracts at the same moment one stays', async () => {
    const answers = await Promise.all(['a', 'b'].map((id) => apply(contract().replace('contract_id: orders', `contract_id: ${id}`))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
    expect(((await at.http.request('GET', '/v1/contracts')).json.items as unknown[]).length).toBe(1);
  });

  it('is for those who have a grant for its dataset, to apply and to see', async () => {
    await apply(contract());
    at.http.actor = testActor({ actions: ['contract.*'], tenants: ['default'], datasets: ['clients'] });
    expect((await apply(contract('min_quality_score: 0.1'))).json.code).toBe('forbidden');
    expect((await at.http.request('GET', '/v1/contracts/orders')).json.code).toBe('not-found');
    expect((await at.http.request('GET', '/v1/contracts')).json.items).toEqual([]);
  });
});

describe('decision.evaluate', () => {
  it('decides what it is brought as the kernel does, and holds packs to their digests', async () => {
    const before = written();
    for (const { facts, expect: expected } of decisionCases().slice(0, 20)) {
      const { json } = await at.http.request('POST', '/v1/decisions/evaluate', { body: toFactsFile(facts) });
      expect(json).toMatchObject({ kind: 'Decision', decision: expected.decision, dry_run: true });
    }
    const [first] = decisionCases();
    if (first === undefined) throw new Error('no case');
    const forged = { ...first.facts, packs: first.facts.packs.map((pack) => ({ ...pack, source: `${pack.source} ` })) };
    expect((await at.http.request('POST', '/v1/decisions/evaluate', { body: toFactsFile(forged) })).json.code).toBe('digest-mismatch');
    at.http.actor = testActor({ actions: ['*'], tenants: ['default'], datasets: ['orders'] });
    expect((await at.http.request('POST', '/v1/decisions/evaluate', { body: toFactsFile(first.facts) })).json.code).toBe('forbidden');
    at.http.actor = testActor({ actions: ['decision.evaluate'], tenants: ['*'], datasets: ['*'] });
    const unknown = { ...toFactsFile(first.facts), colour: 'blue' };
    expect((await at.http.request('POST', '/v1/decisions/evaluate', { body: unknown })).json.code).toBe('invalid-request');
    expect(written()).toEqual(before);
  });
});

it('lists every gate with its question', async () => {
  const { items } = (await at.http.request('GET', '/v1/gates')).json as { items: { code: string; asks: string; gate_sets: string[] }[] };
  expect(items.length).toBeGreaterThan(15);
  expect(items.every(({ asks }) => asks.endsWith('?'))).toBe(true);
  expect(items.find(({ code }) => code === 'target-verified')?.gate_sets).toEqual(['rollback']);
  expect(items.find(({ code }) => code === 'quality')?.gate_sets).toEqual(['promotion', 'rollback']);
});
