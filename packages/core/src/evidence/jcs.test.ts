import { readdirSync, readFileSync } from 'node:fs';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, jcsDigest } from './jcs.ts';
import { vectorFolder } from './vector.fixture.ts';

const vectors = vectorFolder('jcs');

describe.skipIf(vectors === undefined)('RFC 8785 vectors', () => {
  test('six of six, byte for byte', () => {
    const files = readdirSync(`${vectors}/input`);
    expect(files).toHaveLength(6);
    for (const file of files) {
      const canonical = canonicalJson(JSON.parse(readFileSync(`${vectors}/input/${file}`, 'utf8')));
      const hex = readFileSync(`${vectors}/outhex/${file.replace('.json', '.txt')}`, 'utf8').replaceAll(/\s/g, '');
      expect(Buffer.from(canonical).toString('hex'), file).toBe(hex);
    }
  });
});

describe('canonical JSON', () => {
  test('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(jcsDigest(reversed)).toBe(jcsDigest(value));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });

  test('is what the library writes, whatever the names', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat().map(String),
      fc.constantFrom('__proto__', '10', '9', '-1', 'toString', ''),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 0, stringUnit: 'binary' }), fc.array(tie('value')), tie('object')),
      object: fc
        .array(
          fc.tuple(
            name.filter((text) => text.isWellFormed()),
            tie('value'),
          ),
          { maxLength: 6 },
        )
        .map(
          (members) =>
            JSON.parse(`{${members.map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(member)}`).join(',')}}`) as unknown,
        ),
    }));
    fc.assert(
      fc.property(value, (json) => {
        const before = JSON.stringify(json);
        expect(canonicalJson(json)).toBe(canonicalize(json));
        expect(JSON.stringify(json)).toBe(before);
      }),
      { numRuns: 1000 },
    );
    expect(canonicalJson(JSON.parse('{"9":1,"10":{"b":1,"a":2},"__proto__":3}'))).toBe('{"10":{"a":2,"b":1},"9":1,"__proto__":3}');
  });

  test('a member that is undefined is absent', () => {
    expect(canonicalJson({ b: 1, a: undefined })).toBe('{"b":1}');
  });

  test('refuses what is not JSON and says where', () => {
    class Money {
      readonly amount = 1;
    }
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const cases: [unknown, string][] = [
      [undefined, 'the root: undefined'],
      [{ a: [1, Number.NaN] }, '/a/1: NaN'],
      [{ a: Number.POSITIVE_INFINITY }, '/a: Infinity'],
      [{ a: { b: 1n } }, '/a/b: bigint'],
      [[undefined], '/0: undefined'],
      [{ a: () => 1 }, '/a: function'],
      [{ a: new Date(0) }, '/a: Date'],
      [new Map([[1, 2]]), 'the root: Map'],
      [{ price: new Money() }, '/price: Money'],
      [{ a: { toJSON: () => 'b' } }, '/a: an object with toJSON'],
      ['\ud800', 'a lone surrogate'],
      [{ a: { '\udc00': 1 } }, '/a: a name with a lone surrogate'],
      [cyclic, 'nested deeper'],
    ];
    for (const [value, message] of cases) expect(() => canonicalJson(value)).toThrow(message);
  });

  test('the digest is SHA-256 of the canonical bytes', () => {
    // printf '{"a":1,"b":[]}' | sha256sum
    expect(jcsDigest({ b: [], a: 1 })).toBe('sha256:f87e4099e9be5e75094e0a4f46d3dc18a9c37429314a5a2490fb78d31e7e170c');
  });
});
