import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isProblem } from '../api/problem.ts';
import type { QualityCheck } from './check.ts';
import type { QualityImport } from './import.ts';
import { type ImportKind, readQuality } from './kind.ts';

const root = resolve(import.meta.dirname, '../../../..');
const fixture = (kind: ImportKind, file: string) => readQuality(kind, readFileSync(resolve(root, 'fixtures/quality', file)));
const read = (kind: ImportKind, json: unknown) => readQuality(kind, new TextEncoder().encode(JSON.stringify(json)));
const short = ({ checks }: QualityImport) => checks.map(({ name, status }) => `${name}: ${status}`);
const at = (checks: readonly QualityCheck[]) => [...new Set(checks.map(({ ran_at }) => ran_at))];
const refused = (detail: RegExp) => expect.objectContaining({ code: 'unprocessable', message: expect.stringMatching(detail) });

describe('Great Expectations', () => {
  it('reads a validation of 0.18; an exception is an error', () => {
    const result = fixture('great-expectations', 'great-expectations-0.18-validation.json');
    expect(short(result)).toEqual([
      'orders.expect_column_values_to_not_be_null(order_id): passed',
      'orders.expect_column_values_to_be_unique(order_id): passed',
      'orders.expect_column_values_to_be_in_set(status): failed',
      'orders.expect_table_row_count_to_be_between: passed',
      'orders.expect_column_mean_to_be_between(discount): error',
    ]);
    expect(at(result.checks)).toEqual(['2026-11-21T02:00:01.331Z']);
    expect(result.checks.map(({ message }) => message).slice(2)).toEqual(['found 1', null, 'column "discount" does not exist']);
  });

  it('reads checkpoints of 0.18 and 1.x, and what describe() gives, which has no time', () => {
    const old = fixture('great-expectations', 'great-expectations-0.18-checkpoint.json');
    expect(short(old)).toContain('clients.expect_column_pair_values_to_be_equal(client_id, owner_id): passed');
    expect(old.checks).toHaveLength(5);
    const now = fixture('great-expectations', 'great-expectations-1-checkpoint.json');
    expect(short(now)).toEqual([
      'orders.expect_column_values_to_not_be_null(order_id): passed',
      'orders.expect_compound_columns_to_be_unique(order_id, line): passed',
      'orders.expect_column_values_to_match_regex(email): failed',
      'orders.expect_column_max_to_be_between(amount): error',
    ]);
    expect(now.checks.map(({ severity }) => severity)).toEqual(['error', 'error', 'warn', 'error']);
    expect(now.checks[3]?.message).toBe('amount is text');
    expect(at([...old.checks, ...now.checks])).toEqual(['2026-11-21T02:00:01.331Z']);
    const described = fixture('great-expectations', 'great-expectations-1-describe.json');
    expect(described.checks).toMatchObject([{ name: 'expect_column_values_to_not_be_null(order_id)', status: 'passed', ran_at: null }]);
  });

  const one = (result: object, whole: object = {}) => ({
    success: true,
    meta: { validation_time: '20261121T020000.1Z' },
    results: [result],
    ...whole,
  });
  const type = { expectation_config: { expectation_type: 'e', kwargs: {} } };

  it.each([
    [{ success: true }, 'passed'],
    [{ success: false }, 'failed'],
    [{ success: null }, 'not_evaluated'],
    [{}, 'not_evaluated'],
    [{ success: true, exception_info: { raised_exception: true } }, 'error'],
    [{ success: true, exception_info: { raised_exception: 'yes' } }, 'error'],
    [{ success: true, result: { element_count: 0 } }, 'not_evaluated'],
    [{ success: false, result: { element_count: 0 } }, 'failed'],
  ])('%j is %s', (result, status) => {
    expect(read('great-expectations', one({ ...result, ...type })).checks[0]).toMatchObject({ name: 'e', status });
  });

  it('a whole that failed without a part that shows it is an error of its own', () => {
    const good = { success: true, ...type };
    expect(short(read('great-expectations', one(good, { success: false })))).toEqual(['e: passed', 'validation[0]: error']);
    expect(short(read('great-expectations', one(good, { statistics: { unsuccessful_expectations: 2 } })))).toContain(
      'validation[0]: error',
    );
    const checkpoint = { success: false, run_results: { a: { validation_result: one(good) } } };
    expect(short(read('great-expectations', checkpoint))).toEqual(['e: passed', 'checkpoint: error']);
  });

  it('refuses a success that is no truth value, by name', () => {
    for (const success of ['true', 1, 'passed', {}]) {
      expect(() => read('great-expectations', one({ success, ...type }))).toThrow(refused(/of "e"; known are/));
    }
  });

  const vectors = resolve(process.env.GOVCTL_VECTORS ?? resolve(root, '../shared/vectors'), 'quality/great-expectations');
  it.skipIf(!existsSync(vectors))('counts files of the project itself as it counted them', () => {
    const statuses = (file: string) =>
      Map.groupBy(readQuality('great-expectations', readFileSync(resolve(vectors, file))).checks, ({ status }) => status);
    expect([...statuses('cli_default.json')].map(([status, { length }]) => [status, length])).toEqual([
      ['passed', 9],
      ['failed', 1],
    ]);
    expect([...statuses('titanic_with_exceptions.json')].map(([status, { length }]) => [status, length])).toEqual([
      ['passed', 6],
      ['error', 4],
    ]);
  });
});

describe('Soda', () => {
  it('reads a scan; a warning is not a pass', () => {
    const result = fixture('soda', 'soda-scan.json');
    expect(short(result)).toEqual([
      'orders.row_count > 0: passed',
      'orders.missing_count(order_id) = 0: passed',
      'orders.invalid_percent(email) < 5 %: warned',
      'orders.orders are fresh: failed',
    ]);
    expect(at(result.checks)).toEqual(['2026-11-21T02:00:00.000Z']);
  });

  it('a scan with errors holds one, because Soda leaves out what it could not evaluate', () => {
    const { checks } = fixture('soda', 'soda-scan-errors.json');
    expect(checks.map(({ status }) => status)).toEqual(['passed', 'not_evaluated', 'error']);
    expect(checks[2]).toMatchObject({ name: 'scan', message: expect.stringContaining('column does not exist') });
  });

  const scan = (outcome: unknown, whole: object = {}) => ({
    hasErrors: false,
    hasFailures: false,
    checks: [{ name: 'a', outcome }],
    ...whole,
  });

  it('refuses an outcome it does not know by name, a file without checks, and one that does not say whether there were errors', () => {
    expect(() => read('soda', scan('passed'))).toThrow(refused(/says "passed" of "a"; known are pass, warn, fail, null/));
    expect(() => read('soda', scan('null'))).toThrow(refused(/of "a"/));
    expect(() => read('soda', scan('pass', { checks: [] }))).toThrow(refused(/holds no check/));
    expect(() => read('soda', scan('pass', { hasErrors: undefined }))).toThrow(refused(/hasErrors/));
    expect(short(read('soda', scan('pass', { hasFailures: true })))).toEqual(['a: passed', 'scan: error']);
    expect(short(read('soda', scan('pass', { checks: [], hasErrors: true })))).toEqual(['scan: error']);
  });
});

describe('OpenLineage', () => {
  it('reads assertions and tests of an event; severity does not change what is so', () => {
    const { checks } = fixture('openlineage', 'openlineage-event.json');
    expect(checks.map(({ name, status, severity }) => [name, status, severity])).toEqual([
      ['shop.public.orders.not_null(order_id)', 'passed', 'error'],
      ['shop.public.orders.unique(order_id)', 'passed', 'error'],
      ['shop.public.orders.row_count', 'failed', 'warn'],
      ['assert_no_orphans', 'passed', 'error'],
      ['assert_totals', 'failed', 'warn'],
      ['assert_currency', 'skipped', 'error'],
    ]);
    expect(at(checks)).toEqual(['2026-11-21T02:00:05.120Z']);
  });

  it('reads a line an event: an assertion told at start and end is one, and nothing passes in a run that has not ended', () => {
    const result = fixture('openlineage', 'openlineage-events.ndjson');
    expect(short(result)).toEqual([
      'shop.public.orders.not_null(order_id): passed',
      'shop.public.orders.unique(order_id): passed',
      'shop.public.clients.not_null(order_id): not_evaluated',
    ]);
    expect(result.ignored).toBe(2);
    expect(result.checks[0]?.ran_at).toBe('2026-11-21T02:00:05.000Z');
  });

  const event = (eventType: string, success: unknown, runId = 'r') => ({
    eventType,
    eventTime: '2026-11-21T02:00:00Z',
    run: { runId },
    job: { name: 'j' },
    inputs: [{ name: 'd', inputFacets: { dataQualityAssertions: { assertions: [{ assertion: 'a', success }] } } }],
  });

  it('of a run the worst holds; a run that failed without a failure to show is an error', () => {
    expect(short(read('openlineage', [event('RUNNING', false), event('COMPLETE', true)]))).toEqual(['d.a: failed']);
    expect(short(read('openlineage', event('FAIL', true)))).toEqual(['d.a: passed', 'run.j: error']);
    expect(short(read('openlineage', [event('COMPLETE', true), event('ABORT', true)]))).toEqual(['d.a: passed', 'run.j: error']);
    expect(short(read('openlineage', [event('COMPLETE', true), event('COMPLETE', true, 'other')]))).toEqual(['d.a: passed', 'd.a: passed']);
  });

  it('refuses words it does not know by name, and says which line is wrong', () => {
    expect(() => read('openlineage', event('COMPLETE', 'true'))).toThrow(refused(/of "d.a"; known are true, false, null/));
    expect(() => read('openlineage', event('DONE', true))).toThrow(refused(/"DONE"; known are START/));
    const lines = `${JSON.stringify(event('COMPLETE', true))}\n{"eventTime": 1\n`;
    expect(() => readQuality('openlineage', new TextEncoder().encode(lines))).toThrow(refused(/in line 2/));
  });
});

describe('every kind that is JSON', () => {
  const kinds = ['dbt', 'great-expectations', 'soda', 'openlineage'] as const;

  it.each(kinds)('%s refuses nothing, junk, a list of lists, and a name that stands twice', (kind) => {
    const deep = '['.repeat(70) + ']'.repeat(70);
    for (const text of [
      '',
      '{}',
      '[]',
      'null',
      '{"results":[]}',
      '{"checks":[]}',
      '\u0000',
      '<testsuite/>',
      deep,
      '{"success":true,"success":false}',
    ]) {
      expect(() => readQuality(kind, new TextEncoder().encode(text)), text).toThrow(refused(/./));
    }
    expect(() => readQuality(kind, Uint8Array.of(0xff, 0xfe))).toThrow(refused(/UTF-8/));
  });

  // Whatever else a result says: it passes only when its own word is the one word for that.
  const word = fc.oneof(
    fc.constantFrom(true, false, null, undefined, 'pass', 'passed', 'true', 'success', 'fail', 'warn', 'skip', 1, 0),
    fc.jsonValue(),
  );
  const more = fc.dictionary(
    fc.constantFrom('result', 'exception_info', 'outcomeReasons', 'severity', 'message', 'status2'),
    fc.jsonValue(),
  );
  const shapes = {
    dbt: {
      pass: ['pass', 'success'],
      of: (words: readonly unknown[], extra: object) => ({
        metadata: { dbt_schema_version: 'https://x/run-results/v6.json' },
        results: words.map((status, index) => ({ ...extra, status, unique_id: `test.p.c${index}.x` })),
      }),
    },
    'great-expectations': {
      pass: [true],
      of: (words: readonly unknown[], extra: object) => ({
        success: true,
        results: words.map((success, index) => ({ ...extra, success, expectation_config: { type: `c${index}` } })),
      }),
    },
    soda: {
      pass: ['pass'],
      of: (words: readonly unknown[], extra: object) => ({
        hasErrors: false,
        hasFailures: false,
        checks: words.map((outcome, index) => ({ ...extra, outcome, name: `c${index}` })),
      }),
    },
    openlineage: {
      pass: [true],
      of: (words: readonly unknown[], extra: object) => ({
        eventType: 'COMPLETE',
        eventTime: '2026-11-21T02:00:00Z',
        run: { runId: 'r' },
        inputs: [
          {
            name: 'd',
            inputFacets: {
              dataQualityAssertions: { assertions: words.map((success, index) => ({ ...extra, success, assertion: `c${index}` })) },
            },
          },
        ],
      }),
    },
  } as const;

  it.each(kinds)('%s never makes a pass of anything but an explicit pass', (kind) => {
    const { pass, of } = shapes[kind];
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), more, (words, extra) => {
        let checks: readonly QualityCheck[];
        try {
          ({ checks } = read(kind, of(words, extra)));
        } catch (error) {
          expect(isProblem(error) && error.code).toBe('unprocessable');
          return;
        }
        const passed = checks.filter(({ status }) => status === 'passed').map(({ name }) => Number(/c(\d+)$/.exec(name)?.[1]));
        for (const index of passed) expect((pass as readonly unknown[]).includes(words[index])).toBe(true);
        expect(checks.length).toBeGreaterThanOrEqual(words.length);
      }),
    );
  });
});
