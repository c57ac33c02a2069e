import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decisionCases } from '../../../../fixtures/decision/corpus.ts';
import { decide } from '../decision/decide.ts';
import { buildInput } from '../decision/input.ts';
import { compilePacks } from '../policy/compile.ts';
import type { QualityCheck } from './check.ts';
import { importDbt } from './dbt.ts';
import { importJunit } from './junit.ts';
import { latestChecks } from './latest.ts';
import { scoreOf } from './score.ts';

const vectors = resolve(process.env.GOVCTL_VECTORS ?? resolve(import.meta.dirname, '../../../../../shared/vectors'), 'quality/dbt');
const absent = !existsSync(vectors);
const bytes = (text: string) => new TextEncoder().encode(text);
const digest = `sha256:${'a'.repeat(64)}`;

function tally(checks: readonly QualityCheck[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(checks, ({ status }) => status)].map(([status, group]) => [status, group.length]));
}
function row(checks: readonly QualityCheck[], imported_at = '2026-11-21T11:00:00.000Z') {
  return { snapshot_id: 'orders-1', source_kind: 'dbt', source_digest: digest, imported_at, checks };
}
function check(name: string, status: QualityCheck['status'] = 'passed'): QualityCheck {
  return { name, status, severity: 'error', ran_at: '2026-11-21T11:00:00.000Z', message: null };
}

if (absent && process.env.CI !== undefined) throw new Error(`the test vectors are not at ${vectors}`);
if (absent) process.stderr.write(`skipped: the test vectors are not at ${vectors} (GOVCTL_VECTORS)\n`);

describe.skipIf(absent)('real dbt files', () => {
  const read = (name: string) => importDbt(readFileSync(resolve(vectors, `${name}.run_results.json`)));

  it('are counted as dbt counted them', () => {
    expect(tally(read('test').checks)).toEqual({ passed: 10, failed: 4 });
    expect(tally(read('no_test_metadata').checks)).toEqual({ passed: 19, failed: 2 });
    const { checks, ignored } = read('fail');
    expect([tally(checks), ignored]).toEqual([{ error: 1, skipped: 1 }, 2]);
  });

  it('name a check as the test is named', () => {
    expect(read('test').checks.map(({ name }) => name)).toContain('not_null_test_first_dbt_model_id');
  });

  it('are years old, and freshness notices', () => {
    const { facts, passing } = withChecks(read('test').checks.filter(({ status }) => status === 'passed'));
    const body = decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
    expect(passing).toBe(10);
    expect([body.decision, body.waiting_on]).toEqual(['defer', ['freshness']]);
    expect(body.gates.find(({ code }) => code === 'freshness')?.reason_code).toBe('evidence-stale');
    const then = decide(buildInput({ ...facts, as_of: '2021-08-23T16:00:00.000Z' }), compilePacks(facts.packs), '2021-08-23T16:00:00.000Z');
    expect(then.gates.find(({ code }) => code === 'freshness')?.outcome).toBe('pass');
  });

  it('with an error, a skip or a failure never pass', () => {
    for (const name of ['test', 'no_test_metadata', 'fail']) {
      const { facts } = withChecks(read(name).checks);
      expect(decide(buildInput(facts), compilePacks(facts.packs), facts.as_of).decision).toBe('deny');
    }
  });
});

function withChecks(checks: readonly QualityCheck[]) {
  const base = decisionCases().find(({ name }) => name === 'raw to gdp, everything in order');
  if (base?.facts.contract === null || base === undefined) throw new Error('no base case');
  const { contract } = base.facts;
  const kept = latestChecks([row(checks)]);
  const required = kept.filter(({ status }) => status === 'passed').map(({ name }) => name);
  return {
    passing: required.length,
    facts: { ...base.facts, checks: kept, contract: { ...contract, body: { ...contract.body, required_checks: required.slice(0, 1) } } },
  };
}

describe('importDbt', () => {
  const file = (results: readonly object[], schema = 'https://schemas.getdbt.com/dbt/run-results/v6.json') =>
    bytes(JSON.stringify({ metadata: { dbt_schema_version: schema }, results }));
  const result = (status: string, unique_id = 'test.shop.unique_id.abc') => ({
    status,
    unique_id,
    timing: [],
    message: null,
    failures: null,
  });

  it.each([
    ['pass', 'passed'],
    ['fail', 'failed'],
    ['warn', 'warned'],
    ['error', 'error'],
    ['runtime error', 'error'],
    ['skipped', 'skipped'],
    ['no-op', 'not_evaluated'],
    ['partial success', 'failed'],
    ['PASS', 'error'],
    ['reused', 'error'],
    ['', 'error'],
    ['constructor', 'error'],
  ])('%j is %s', (word, status) => {
    expect(importDbt(file([result(word)])).checks[0]).toMatchObject({ name: 'unique_id', status });
  });

  it('takes the time of the result itself, never that of the file', () => {
    const timing = [{ completed_at: '2026-11-21T10:00:00.000001Z' }, { completed_at: '2026-11-21T10:00:05.123456Z' }];
    expect(importDbt(file([{ ...result('pass'), timing }])).checks[0]?.ran_at).toBe('2026-11-21T10:00:05.123Z');
    expect(importDbt(file([{ ...result('pass'), timing: [{ completed_at: '2026-11-21T10:00:05' }] }])).checks[0]?.ran_at).toBe(
      '2026-11-21T10:00:05.000Z',
    );
    expect(importDbt(file([result('pass')])).checks[0]?.ran_at).toBeNull();
  });

  it('refuses a file without a result, one with built models only, and what is no such file', () => {
    const refused = [
      file([]),
      file([result('success', 'model.shop.orders')]),
      file([result('pass')], 'https://schemas.getdbt.com/dbt/manifest/v12.json'),
      bytes(''),
      bytes('{}'),
      bytes('[1'),
      Uint8Array.of(0xff, 0xfe),
    ];
    for (const content of refused) expect(() => importDbt(content)).toThrow(expect.objectContaining({ code: 'unprocessable' }));
  });
});

describe('importJunit', () => {
  const suite = (inside: string, attributes = '') =>
    `<?xml version="1.0"?><testsuites><testsuite name="s" timestamp="2026-11-21T10:00:00"${attributes}>${inside}</testsuite></testsuites>`;

  it.each([
    ['<testcase name="a"/>', 'passed'],
    ['<testcase name="a"><failure message="no"/></testcase>', 'failed'],
    ['<testcase name="a"><error/></testcase>', 'error'],
    ['<testcase name="a"><skipped/></testcase>', 'skipped'],
    ['<testcase name="a"><skipped/><failure/></testcase>', 'failed'],
    ['<testcase name="a"><failure/><error/></testcase>', 'error'],
    ['<testcase name="a"><flakyFailure/></testcase>', 'failed'],
    ['<testcase name="a"><invented/></testcase>', 'error'],
    ['<testcase name="a"><constructor/></testcase>', 'error'],
    ['<testcase name="a" status="notrun"/>', 'not_evaluated'],
    ['<testcase name="a" status="disabled"/>', 'not_evaluated'],
    ['<testcase name="a" status="odd"/>', 'error'],
    ['<testcase name="a"><properties><property name="failure" value="x"/></properties><system-out>error</system-out></testcase>', 'passed'],
  ])('%s is %s', (inside, status) => {
    expect(importJunit(suite(inside)).checks).toMatchObject([{ name: 'a', status, ran_at: '2026-11-21T10:00:00.000Z' }]);
  });

  it('does not know when a case ran whose suite does not say', () => {
    expect(importJunit('<testsuites><testcase name="a"/></testsuites>').checks[0]?.ran_at).toBeNull();
  });

  it('keeps the message, or the text where there is none', () => {
    expect(importJunit(suite('<testcase name="a"><failure message="x &lt; y">trace</failure></testcase>')).checks[0]?.message).toBe(
      'x < y',
    );
    expect(importJunit(suite('<testcase name="a"><failure>only <![CDATA[<text>]]></failure></testcase>')).checks[0]?.message).toContain(
      'only',
    );
  });

  it('a suite that broke without a case that shows it is an error of its own', () => {
    const { checks } = importJunit(suite('<testcase name="a"/>', ' errors="1"'));
    expect(checks.map(({ status }) => status)).toEqual(['passed', 'error']);
    expect(importJunit(suite('<testcase name="a"><failure/></testcase>', ' failures="1"')).checks).toHaveLength(1);
  });

  it('refuses no report, an empty one, a cut one, and every document type', () => {
    const bomb = '<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><testsuites><testcase name="&b;"/></testsuites>';
    for (const xml of [
      '',
      'text',
      '{}',
      '<html/>',
      '<testsuites/>',
      suite(''),
      suite('<testcase name="a"/>').slice(0, -4),
      '<testsuites><testcase name="&a;"/></testsuites>',
      bomb,
      `${'<testsuite>'.repeat(70)}`,
    ]) {
      expect(() => importJunit(xml)).toThrow(expect.objectContaining({ code: 'unprocessable' }));
    }
  });
});

describe('latestChecks', () => {
  it('takes the newest import that has a name, and keeps both of a name that occurs twice in it', () => {
    const first = row([check('a', 'failed'), check('b')], '2026-11-21T10:00:00.000Z');
    const second = row([check('a'), check('c'), check('c', 'failed')]);
    expect(latestChecks([first, second]).map(({ name, status, imported_at }) => `${name} ${status} ${imported_at.slice(11, 13)}`)).toEqual([
      'a passed 11',
      'b passed 10',
      'c passed 11',
      'c failed 11',
    ]);
  });
});

describe('scoreOf', () => {
  const facts = latestChecks([row([check('a'), check('b', 'failed'), check('c', 'warned'), check('d')])]);

  it('is what passed over all; only passed passes', () => {
    expect(scoreOf(facts, {})).toEqual({ value: 0.5, passed: 2, total: 4 });
    expect(scoreOf([], {})).toEqual({ value: null, passed: 0, total: 0 });
  });

  it('weighs by name', () => {
    expect(scoreOf(facts, { a: 7 }).value).toBe(0.8);
    expect(scoreOf(facts, { toString: 5 }).value).toBe(0.5);
  });
});
