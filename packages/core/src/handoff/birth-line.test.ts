import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { birthLineSchema, bornAtGlob, csvParser, ndjsonParser, normaliseBornAt } from './index.ts';

const parse = ndjsonParser((text) => JSON.parse(text) as unknown);
const line = { change: 'BORN', object_key: 'tables/sales.orders', object_type: 'tables', born_at: '2026-11-21T03:00:00.123456Z' };

describe('born_at', () => {
  it.each([
    ['2026-11-21T03:00:00Z', '2026-11-21T03:00:00.000000Z'],
    ['2026-11-21T03:00:00.5Z', '2026-11-21T03:00:00.500000Z'],
    ['2026-11-21T03:00:00.123456+00:00', '2026-11-21T03:00:00.123456Z'],
    ['2024-02-29T23:59:59.999999Z', '2024-02-29T23:59:59.999999Z'],
  ])('keeps %s as %s', (text, stored) => expect(normaliseBornAt(text)).toBe(stored));

  it.each([
    '2026-11-21',
    '2026-11-21 03:00:00Z',
    '2026-11-21T03:00:00',
    '2026-11-21T03:00:00+02:00',
    '2026-11-21T03:00:00.1234567Z',
    '2026-13-01T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-11-21T03:00:60Z',
    '',
    ' 2026-11-21T03:00:00Z',
  ])('refuses %s', (text) => expect(normaliseBornAt(text)).toBeNull());

  it('keeps every microsecond apart and in order, and always has the stored shape', () => {
    const shape = new RegExp(`^${bornAtGlob.replaceAll('.', '\\.')}$`);
    const micros = fc.integer({ min: 0, max: 86_400_000_000 - 1 });
    const text = (value: number) => {
      const seconds = Math.floor(value / 1_000_000);
      const part = (n: number) => String(n).padStart(2, '0');
      return `2026-11-21T${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}.${String(value % 1_000_000).padStart(6, '0')}Z`;
    };
    fc.assert(
      fc.property(micros, micros, (a, b) => {
        const [left, right] = [normaliseBornAt(text(a)) ?? '', normaliseBornAt(text(b)) ?? ''];
        expect(left).toMatch(shape);
        expect(Math.sign(a - b)).toBe(left < right ? -1 : left > right ? 1 : 0);
      }),
    );
  });
});

describe('a line', () => {
  it('is closed: a misspelt field is an error, not a loss', () => {
    expect(birthLineSchema.safeParse(line).success).toBe(true);
    expect(birthLineSchema.safeParse({ ...line, playload: {} }).success).toBe(false);
    expect(birthLineSchema.safeParse({ ...line, change: 'born' }).success).toBe(false);
  });

  it.each(['', 'a b', 'a\nb', 'a\u0000b', 'a\u202eb', 'x'.repeat(513), '\u200b'])('refuses the key %j', (object_key) => {
    expect(birthLineSchema.safeParse({ ...line, object_key }).success).toBe(false);
  });

  it('refuses a payload that is no announcement any more', () => {
    expect(birthLineSchema.safeParse({ ...line, payload: { text: 'x'.repeat(20_000) } }).success).toBe(false);
  });

  it('says which line is bad, and why', () => {
    expect(parse('{"change":"BORN"}', 7)).toMatchObject({ kind: 'bad', number: 7, reason: expect.stringContaining('object_key') });
    expect(parse('{', 8)).toMatchObject({ kind: 'bad', number: 8, reason: expect.stringContaining('not JSON') });
    expect(parse('   ', 9)).toEqual({ kind: 'blank', number: 9 });
    expect(parse(' '.repeat(70_000).replace(' ', '{'), 1)).toMatchObject({ kind: 'bad' });
  });
});

describe('csv', () => {
  const header = 'change,object_key,object_type,born_at,payload';
  const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;

  it('gives the same line as ndjson, whatever is quoted', () => {
    fc.assert(
      fc.property(
        fc.record({ text: fc.string({ maxLength: 30 }).filter((value) => !/[\r\n]/.test(value)) }),
        fc.boolean(),
        (payload, quoteAll) => {
          const fields = [line.change, line.object_key, line.object_type, line.born_at].map((field) => (quoteAll ? quoted(field) : field));
          const row = [...fields, quoted(JSON.stringify(payload))].join(',');
          const expected = parse(JSON.stringify({ ...line, payload }), 2);
          expect(csvParser(header, JSON.parse)(row, 2)).toEqual(expected);
        },
      ),
    );
  });

  it.each(['change,object_key', 'change,object_key,object_type,born_at,extra', 'change,change,object_key,object_type,born_at', '{"a":1}'])(
    'refuses the header %s',
    (text) => expect(() => csvParser(text, JSON.parse)).toThrow('columns'),
  );

  it.each(['BORN,"k,t,2026-11-21T03:00:00Z,', 'BORN,k,t', 'BORN,k"x,t,2026-11-21T03:00:00Z,', 'BORN,k,t,2026-11-21T03:00:00Z,{'])(
    'tells the bad line %s',
    (text) => {
      expect(csvParser(header, JSON.parse)(text, 3)).toMatchObject({ kind: 'bad', number: 3 });
    },
  );
});
