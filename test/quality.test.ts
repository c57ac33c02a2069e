import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RouteList, RouteResponse } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vectorFolder } from '../packages/core/src/evidence/vector.fixture.ts';
import { type Deployment, deploy } from './harness.ts';
import { govern, junit, snapshotOf } from './orders.ts';

type Imported = RouteResponse<RouteList['quality.import']>;

let at: Deployment;
beforeAll(async () => {
  at = await deploy();
  await at.start();
  await govern(at);
});
afterAll(async () => await at.remove());

const toGdp = (dataset: string, snapshot: string) => ['promote', dataset, '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot];

const vectors = vectorFolder('quality/dbt');

describe.skipIf(vectors === undefined)('run_results.json of real dbt runs', () => {
  const file = (name: string) => join(vectors ?? '', `${name}.run_results.json`);
  // What passed in those runs, and one that did not.
  const passed = ['not_null_orders_order_id', 'unique_stg_orders_order_id'];
  const failed = 'unique_customers_customer_id';

  async function tested(dataset: string, result: string, settings: string): Promise<{ snapshot: string; imported: Imported }> {
    const contract = `apiVersion: govctl/v1
kind: Contract
contract_id: ${dataset}
dataset_id: ${dataset}
promotion_types: [raw_to_gdp]
policy_packs: [gdp-default]
requires_coverage: false
${settings}`;
    await at.json(['contract', 'apply', '-f', await at.file(`${dataset}.yaml`, contract)]);
    await at.file(join(dataset, 'rows.csv'), `id\n${dataset}\n`);
    const made = await at.json<{ snapshot_id: string }>(['snapshot', 'create', join(at.folder, dataset), '--dataset', dataset]);
    const imported = await at.json<Imported>(['quality', 'import', 'dbt', file(result), '--snapshot', made.snapshot_id]);
    return { snapshot: made.snapshot_id, imported };
  }

  it('are kept whole, by the digest of the file', async () => {
    const counts = { failed: 0, error: 0, skipped: 0, not_evaluated: 0, warned: 0 };
    const { snapshot, imported } = await tested('kept', 'test', '');
    expect(imported).toMatchObject({ counts: { ...counts, passed: 10, failed: 4 }, ignored: 0 });
    expect(imported.source_digest).toBe(digestOf(await readFile(file('test'))));
    const more = await at.json<Imported>(['quality', 'import', 'dbt', file('no_test_metadata'), '--snapshot', snapshot]);
    expect(more).toMatchObject({ counts: { ...counts, passed: 19, failed: 2 }, ignored: 0 });
    const broken = await at.json<Imported>(['quality', 'import', 'dbt', file('fail'), '--snapshot', snapshot]);
    expect(broken).toMatchObject({ counts: { ...counts, passed: 0, error: 1, skipped: 1 }, ignored: 2 });
    const { items } = await at.json<RouteResponse<RouteList['quality.ls']>>(['quality', 'ls', snapshot]);
    expect(items.map(({ source_digest }) => source_digest)).toEqual([imported, more, broken].map(({ source_digest }) => source_digest));
    const facts = await at.json<{ items: { kind: string }[] }>(['evidence', 'ls', '--dataset', 'kept', '--kind', 'governance-fact']);
    expect(facts.items.length).toBe(5);
  });

  it('pass for quality where the contract is content, and wait because they are years old, until the tests run again', async () => {
    const settings = `required_checks: [${passed.join(', ')}]\nmin_quality_score: 0.9\nmax_evidence_age: 7d\n`;
    const { snapshot } = await tested('old', 'no_test_metadata', settings);
    const waits = await at.json<PromotionDocument>([...toGdp('old', snapshot), '--run-id', 'old-run'], 8);
    const answer = (code: string) => waits.decision?.gates.find((gate) => gate.code === code);
    expect(answer('quality')).toMatchObject({ outcome: 'pass', actual: 19 / 21 });
    expect(answer('freshness')).toMatchObject({
      outcome: 'defer',
      reason_code: 'evidence-stale',
      actual: '2021-07-05T11:43:16.146Z',
    });
    expect(waits.waiting_on).toEqual(['freshness']);

    // The same run, today: nothing but its times is changed, and nobody asks again.
    const again = (await readFile(file('no_test_metadata'), 'utf8')).replaceAll(
      '2021-07-05',
      new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
    );
    const rerun = await at.file('again.json', again);
    expect(await at.json(['quality', 'import', 'dbt', rerun, '--snapshot', snapshot])).toMatchObject({ imported: true });
    expect((await at.govctl(['promotion', 'watch', 'old-run', '--timeout', '60s'])).code).toBe(0);
    expect(await at.json(['promotion', 'get', 'old-run'])).toMatchObject({ status: 'succeeded', active: { snapshot_id: snapshot } });
  });

  it('deny where a required test failed, did not run, or is not among them', async () => {
    const cases = [
      ['required-failed', 'no_test_metadata', failed, 'quality-failed'],
      ['required-errored', 'fail', 'test_second_parallel_dbt_model', 'quality-error'],
      ['required-skipped', 'fail', 'test_third_dbt_model', 'quality-skipped'],
      ['required-missing', 'test', 'not_null_orders_order_id', 'quality-missing'],
    ] as const;
    for (const [dataset, result, required, code] of cases) {
      const { snapshot } = await tested(dataset, result, `required_checks: [${required}]\nmin_quality_score: 0\n`);
      const denied = await at.json<PromotionDocument>(toGdp(dataset, snapshot), 3);
      const quality = denied.decision?.gates.find((gate) => gate.code === 'quality');
      expect([dataset, quality?.outcome, quality?.reason_code]).toEqual([dataset, 'fail', code]);
      expect(quality?.reason).toContain(required);
    }
  });

  it('deny by the score alone, and by a rule that no error may stand beside it', async () => {
    const { snapshot } = await tested('by-score', 'no_test_metadata', `required_checks: [${passed.join(', ')}]\nmin_quality_score: 0.95\n`);
    const low = await at.json<PromotionDocument>(toGdp('by-score', snapshot), 3);
    expect(low.decision?.gates.find(({ code }) => code === 'quality')?.reason_code).toBe('quality-score-low');
    const broken = await tested('by-rule', 'fail', 'min_quality_score: 0\n');
    const ruled = await at.json<PromotionDocument>(toGdp('by-rule', broken.snapshot), 3);
    expect(ruled.decision?.gates.filter(({ outcome }) => outcome === 'fail').map(({ code }) => code)).toEqual([
      'rule:gdp-default/no-errors',
    ]);
    // Neither says when it ran: an unknown age is no young one.
    expect(ruled.decision?.gates.find(({ code }) => code === 'freshness')?.reason_code).toBe('evidence-undated');
  });

  it('are refused cut off, and nothing is kept of them', async () => {
    const { snapshot } = await tested('cut', 'test', '');
    const whole = await readFile(file('test'), 'utf8');
    const cut = await at.file('cut.json', whole.slice(0, whole.length / 2));
    const refused = await at.govctl(['quality', 'import', 'dbt', cut, '--snapshot', snapshot]);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('this is not a dbt run_results.json');
    expect((await at.json<{ items: unknown[] }>(['quality', 'ls', snapshot])).items.length).toBe(1);
  });
});

describe('what a person does with it', () => {
  it('imports from a pipe, once', async () => {
    const snapshot = await snapshotOf(at, '1,1');
    const argv = ['quality', 'import', 'junit', '-', '--snapshot', snapshot, '-o', 'json'];
    const report = junit();
    const first = await at.govctl(argv, { stdin: report });
    expect(JSON.parse(first.stdout)).toMatchObject({ imported: true, source_digest: digestOf(report), counts: { passed: 2 } });
    const again = await at.govctl(argv, { stdin: report });
    expect(JSON.parse(again.stdout)).toMatchObject({ imported: false, evidence_ref: null });
  });

  it.each([
    ['binary junk', 'junit', '\u0000\u0001\u0002'],
    ['an empty file', 'junit', ''],
    ['an empty file', 'dbt', ''],
    ['a report in which nothing was tested', 'junit', '<testsuites/>'],
    ['entities that grow', 'junit', '<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'],
    ['another kind of file', 'dbt', '<testsuite><testcase name="a"/></testsuite>'],
  ])('%s as %s is refused with a reason', async (_what, kind, content) => {
    const snapshot = await snapshotOf(at, '1,1');
    const ended = await at.govctl(['quality', 'import', kind, '-', '--snapshot', snapshot], { stdin: content });
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toMatch(/^error\[unprocessable\]: .*\nwhy: .+\n(.*\n)*fix: govctl quality import --help\n$|fix: run the tests/);
  });

  it('names the snapshot that is not there, the file that is not there, and the kind that nobody reads', async () => {
    const report = await at.file('report.xml', junit());
    expect((await at.govctl(['quality', 'import', 'junit', report, '--snapshot', 'nothing'])).code).toBe(11);
    expect((await at.govctl(['quality', 'import', 'junit', 'no-such-file', '--snapshot', 'nothing'])).code).toBe(2);
    const kind = await at.govctl(['quality', 'import', 'deequ', report, '--snapshot', 'nothing']);
    expect([kind.code, kind.stderr.includes('govctl quality import dbt|')]).toEqual([2, true]);
  });
});
