import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cliConfigSchema, govdConfigSchema } from '../config/index.ts';
import { birthLineSchema } from '../handoff/index.ts';
import { jobFileSchema } from '../job/job-file.ts';
import { durationSchema } from '../policy/index.ts';
import { packSchema } from '../policy/pack.ts';
import { digestSchema, layerSchema, nameSchema, timestampSchema } from './common.ts';
import { faultText, pathText, readAs, reasonsOf } from './fault.ts';
import { nearest } from './nearest.ts';
import { routeList } from './route-list.ts';

const toldOf = (schema: z.ZodType, value: unknown) =>
  reasonsOf(readAs(schema, value).faults).map(({ path, message }) => `${path}: ${message}`);

const box = z.strictObject({ owner: z.string().min(1), sla: durationSchema });

describe('what is wrong is told in the words of the product', () => {
  it.each<[what: string, schema: z.ZodType, value: unknown, told: string]>([
    ['a text that is missing', z.string(), undefined, 'is missing: it must be text'],
    [
      'a name that is missing',
      nameSchema,
      undefined,
      'is missing: it must be a name of letters, digits, dot, underscore and dash that starts with a letter or digit, like orders-2026',
    ],
    [
      'a name that is none',
      nameSchema,
      'a b',
      'must be a name of letters, digits, dot, underscore and dash that starts with a letter or digit, like orders-2026',
    ],
    [
      'a name that YAML takes for a number',
      nameSchema,
      5,
      'must be a name of letters, digits, dot, underscore and dash that starts with a letter or digit, like orders-2026, and is a number (put it in quotes)',
    ],
    ['a digest', digestSchema, 'sha256:1', 'must be a digest: sha256: and 64 lower-case hex digits'],
    ['a duration', durationSchema, '24x', "must be a duration: a number and a unit, like '90s', '15m', '24h' or '7d'"],
    ['a time', timestampSchema, 'yesterday', 'must be a time in UTC, like 2026-11-21T03:00:00Z'],
    [
      'a day or a time',
      z.union([timestampSchema, z.iso.date()]),
      'soon',
      'must be a time in UTC, like 2026-11-21T03:00:00Z, or a day, like 2026-11-21',
    ],
    ['a URL', z.url({ protocol: /^https$/ }), 'ftp://x', 'must be a URL that starts with https://'],
    ['any URL', z.url({ protocol: /^https?$/ }), 'x', 'must be a URL, like https://govd.example:8443'],
    ['a text that is empty', z.string().min(1), '', 'must not be empty'],
    ['a text that is too short', z.string().min(3).max(9), 'a', 'must be text of 3 to 9 characters'],
    ['a text that is too long', z.string().max(1), 'abc', 'must be text of at most 1 character'],
    ['a number that is too large', z.number().min(0).max(1), 1.5, 'must be a number from 0 to 1'],
    ['a number that is too small', z.number().positive(), 0, 'must be a number over 0'],
    ['a fraction', z.int().min(1).max(500), 1.5, 'must be a whole number from 1 to 500'],
    ['a word in a query that wants a number', z.coerce.number().int().min(1).max(500), 'x', 'must be a whole number from 1 to 500'],
    ['a multiple', z.number().multipleOf(4), 3, 'must be a multiple of 4'],
    ['null', z.boolean(), null, 'must be true or false, and is null'],
    ['a list', z.array(z.string()).min(1).max(64), {}, 'must be a list with 1 to 64 entries, and is an object'],
    ['an empty list', z.array(z.string()).min(1), [], 'must be a list with at least 1 entry'],
    ['an object', box, [], 'must be an object with owner and sla, and is a list'],
    ['a word of several', layerSchema, 'Gpd', 'must be RAW, GDP or KPI; did you mean GDP?'],
    ['a word that is none of them', layerSchema, 'silver', 'must be RAW, GDP or KPI'],
    ['a word that is missing', layerSchema, undefined, 'is missing: it must be RAW, GDP or KPI'],
    ['the one word', z.literal('govctl/v1'), 'govctl/v2', 'must be govctl/v1'],
    ['null or a text', z.string().nullable(), 1, 'must be text, and is a number (put it in quotes)'],
    [
      'a name or a digest',
      z.union([nameSchema, digestSchema]),
      '',
      `must be a name of letters, digits, dot, underscore and dash that starts with a letter or digit, like orders-2026, or a digest: sha256: and 64 lower-case hex digits`,
    ],
    ['what only its schema knows', z.string().refine(() => false), 'x', 'is not accepted'],
    ['what its schema says', z.string().refine(() => false, 'needs either socket or url'), 'x', 'needs either socket or url'],
  ])('%s', (_, schema, value, told) => {
    expect(readAs(z.strictObject({ field: schema }), { field: value }).faults).toEqual([{ path: ['field'], message: told }]);
  });

  it('finds the field that was meant, by case, dashes and slips of the pen', () => {
    const contract = z.strictObject({ required_checks: z.array(z.string()).optional(), min_quality_score: z.number().optional() });
    expect(toldOf(contract, { required_cheks: [], 'min-quality-score': 1, colour: 'red' })).toEqual([
      "required_cheks: unknown field 'required_cheks': did you mean 'required_checks'?",
      "min-quality-score: unknown field 'min-quality-score': did you mean 'min_quality_score'?",
      "colour: unknown field 'colour'; known here: required_checks, min_quality_score",
    ]);
    expect(nearest('KPI', ['RAW', 'GDP'])).toBeUndefined();
    expect(nearest('x'.repeat(100), ['x'.repeat(99)])).toBeUndefined();
  });

  it('tells of the form that was meant where there are several', () => {
    const either = z.strictObject({ run_id: z.union([z.string(), z.strictObject({ time: timestampSchema })]) });
    expect(toldOf(either, { run_id: { time: 'now' } })).toEqual(['run_id.time: must be a time in UTC, like 2026-11-21T03:00:00Z']);
    const kinds = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('birth') }),
      z.strictObject({ kind: z.literal('action') }),
    ]);
    expect(toldOf(kinds, { kind: 'brith' })).toEqual(['kind: must be birth or action; did you mean birth?']);
    expect(toldOf(kinds, {})).toEqual(['kind: is missing: it must be birth or action']);
    expect(toldOf(z.record(nameSchema, z.string()), { 'a b': 'x' })).toEqual([
      expect.stringMatching(/^a b: its name must be a name of letters/),
    ]);
  });

  it('says where: as people write paths, and whose field it is', () => {
    expect(pathText(['rules', 2, 'require'])).toBe('rules[2].require');
    expect(pathText(['k'.repeat(200)])).toBe(`${'k'.repeat(16)}...`);
    const { faults } = readAs(z.strictObject({ a: z.int(), b: z.int(), c: z.int(), d: z.int() }), {});
    expect(faultText(faults, ['query'])).toBe(
      'query.a: is missing: it must be a whole number; query.b: is missing: it must be a whole number; query.c: is missing: it must be a whole number; and 1 more',
    );
    expect(faultText(readAs(z.string(), 1).faults)).toBe('must be text, and is a number (put it in quotes)');
  });
});

const inputs: [string, z.ZodType][] = [
  ['govd.yaml', govdConfigSchema],
  ['govctl.yaml', cliConfigSchema],
  ['a pack', packSchema],
  ['a job', jobFileSchema],
  ['a birth', birthLineSchema],
  ...Object.entries(routeList).flatMap(([name, route]) =>
    (['params', 'query', 'body'] as const).flatMap((part): [string, z.ZodType][] => {
      const schema = (route as Partial<Record<typeof part, z.ZodType>>)[part];
      return schema === undefined ? [] : [[`${part} of ${name}`, schema]];
    }),
  ),
];

describe('whatever people send', () => {
  const secret = 'govk_5ecre7_c4nary';
  const foreign = /Invalid (input|option|string|key)|Too (small|big)|expected |received |Unrecognized|pattern|\[object|undefined|NaN|\/\^/;
  // Every field of an input is given something that does not fit, at every depth the schema lets through.
  const wrong = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(secret, -1, 1.5, true, null, []),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('name', 'kind', 'colour'), tie('value'), { maxKeys: 3 }),
    ),
  })).value;

  it.each(inputs)('%s is refused in these words, and nothing of it is repeated', (_, schema) => {
    const fields = Object.keys((schema as { shape?: object }).shape ?? {});
    fc.assert(
      fc.property(fc.record(Object.fromEntries([...fields, 'colour'].map((field) => [field, wrong])), { requiredKeys: [] }), (value) => {
        const told = JSON.stringify(readAs(schema, value).faults.map(({ message }) => message));
        expect(told).not.toMatch(foreign);
        expect(told).not.toContain(secret);
      }),
      { numRuns: 30 },
    );
  });
});

it('is the only place that puts faults of input into words', () => {
  const root = join(import.meta.dirname, '../../..');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /^[a-z]+\/src\/.*\.ts$/.test(file) && !/\.(test|fixture|contract)\.ts$/.test(file),
  );
  expect(sources.length).toBeGreaterThan(500);
  const others = sources.filter((file) => /prettifyError|error\.issues|z\.config\(/.test(readFileSync(join(root, file), 'utf8')));
  expect(others).toEqual(['core/src/api/fault.ts']);
});
