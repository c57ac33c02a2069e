import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vectorFolder } from '../evidence/vector.fixture.ts';
import { isProblem } from './problem.ts';
import { parseStrictJson } from './strict-json.ts';

function parse(text: string | Uint8Array, limits = {}): unknown {
  return parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text, limits);
}

function refusal(text: string | Uint8Array, limits = {}): string {
  try {
    parse(text, limits);
  } catch (error) {
    if (isProblem(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('strict JSON', () => {
  test('reads what JSON.stringify writes, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'medium', stringUnit: 'binary' }), (value) => {
        const text = JSON.stringify(value);
        const unsafe = /\d{16,}/.test(text);
        if (text.includes('__proto__') || unsafe || !text.isWellFormed() || /\\ud[89a-f]/i.test(text)) return;
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test('a name twice in one object is refused and told, however it is written', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '[{"b":{"a":1}},{"c":{"a":[],"a":{}}}]',
      '{"x":":","a":"\\"a\\":1","a":0}',
    ]) {
      expect(refusal(text)).toBe('invalid-request: the JSON document is refused: an object has the name "a" twice');
    }
    expect(parse('{"a":{"a":":a:"},"b":{"a":"{\\"a\\":1}"}}')).toEqual({ a: { a: ':a:' }, b: { a: '{"a":1}' } });
  });

  test('duplicates are found in any object, wherever the second one stands', () => {
    const name = fc.string({ minLength: 1, maxLength: 5 }).filter((text) => text !== '__proto__');
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 8 }), fc.nat(), fc.nat(), (names, pick, place) => {
        const members = names.map((key) => `${JSON.stringify(key)}:[{"n":1}]`);
        expect(refusal(`{${members.join(',')}}`)).toBe('accepted');
        const again = members[pick % members.length] ?? '';
        expect(refusal(`[{${members.toSpliced(place % (members.length + 1), 0, again).join(',')}}]`)).toContain('twice');
      }),
    );
  });

  test('__proto__ does not come through, plain or escaped', () => {
    expect(refusal('{"__proto__":{"admin":true}}')).toContain('__proto__');
    expect(refusal('[{"a":{"\\u005f_proto__":1}}]')).toContain('__proto__');
    expect(refusal('{"a":"__proto__","constructor":{"prototype":1}}')).toBe('accepted');
  });

  test('lone surrogates are refused in values and names, pairs are not', () => {
    for (const text of ['"\\ud800"', '"\\udc00x"', '{"\\ud83d":1}', '["\\ude00\\ud83d"]'])
      expect(refusal(text)).toContain('lone surrogate');
    expect(parse('"\\ud83d\\ude00"')).toBe('😀');
  });

  test('an integer that a double cannot hold is refused, a double is not', () => {
    for (const text of ['9007199254740993', '[-9007199254740993]', '{"a":1e3,"b":12345678901234567890}', '9007199254740992']) {
      expect(refusal(text)).toContain('beyond 2^53');
    }
    expect(refusal('1e999')).toContain('too large');
    expect(parse('[9007199254740991,-9007199254740991,1e22,123e65,-0.0,"9007199254740993"]')).toEqual([
      9007199254740991,
      -9007199254740991,
      1e22,
      123e65,
      -0,
      '9007199254740993',
    ]);
  });

  test('depth is judged before parsing; brackets in strings do not count', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parse(nested(64))).toBeDefined();
    expect(refusal(nested(65))).toContain('deeper than 64');
    expect(refusal('['.repeat(5_000_000), { maxBytes: 10_000_000 })).toContain('deeper than 64');
    expect(refusal(nested(4), { maxDepth: 3 })).toContain('deeper than 3');
    expect(parse(`["${'['.repeat(200)}","\\"[[["]`)).toHaveLength(2);
  });

  test('size is judged first', () => {
    expect(refusal(Buffer.alloc(100, 0xff), { maxBytes: 99 })).toBe('payload-too-large: the document has 100 bytes; the limit is 99');
    expect(refusal(`"${'x'.repeat(1024 * 1024)}"`)).toContain('payload-too-large');
  });

  test('what is not UTF-8, a byte order mark and an empty body are refused, and the document is not quoted back', () => {
    expect(refusal(Uint8Array.of(0x22, 0xff, 0x22))).toContain('not UTF-8');
    expect(refusal('\ufeff{}')).toContain('stands where it may not');
    expect(refusal('')).toContain('empty');
    expect(refusal('{"password": hunter2}')).toBe('invalid-request: the JSON document is refused: "h" stands where it may not');
    expect(refusal('{"é": 1,}')).toContain('malformed at byte 9');
  });

  test('reads a view into a larger buffer, not the buffer', () => {
    expect(parse(Buffer.from('xx{"a":1}yy').subarray(2, 9))).toEqual({ a: 1 });
  });
});

const suite = vectorFolder('json');

/** What JSON leaves open and we decide: everything that is not UTF-8, not exact, not finite or too deep is refused. */
const accepted = ['i_number_double_huge_neg_exp.json', 'i_number_real_underflow.json'];

describe.skipIf(suite === undefined)('JSONTestSuite', () => {
  const verdictOf = (file: string) => refusal(readFileSync(`${suite}/${file}`));
  const files = suite === undefined ? [] : readdirSync(suite);

  test('what must parse does, except a name given twice', () => {
    const must = files.filter((file) => file.startsWith('y_'));
    expect(must).toHaveLength(95);
    const refused = must.filter((file) => verdictOf(file) !== 'accepted');
    expect(refused).toEqual(['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json']);
  });

  test('what must not parse does not', () => {
    const mustNot = files.filter((file) => file.startsWith('n_'));
    expect(mustNot).toHaveLength(188);
    expect(mustNot.filter((file) => verdictOf(file) === 'accepted')).toEqual([]);
  });

  test('what is left open is decided', () => {
    const open = files.filter((file) => file.startsWith('i_'));
    expect(open).toHaveLength(35);
    expect(open.filter((file) => verdictOf(file) === 'accepted')).toEqual(accepted);
  });
});

const naughty = vectorFolder('blns');

describe.skipIf(naughty === undefined)('big list of naughty strings', () => {
  test('every one of them comes through as value and as name, or is refused by name', () => {
    const strings = JSON.parse(readFileSync(`${naughty}/blns.json`, 'utf8')) as string[];
    expect(strings.length).toBeGreaterThan(400);
    for (const text of strings) {
      expect(parse(JSON.stringify([text]))).toEqual([text]);
      expect(parse(JSON.stringify({ [text]: text }))).toEqual({ [text]: text });
    }
  });
});
