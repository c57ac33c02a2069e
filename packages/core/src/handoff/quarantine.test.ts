import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRetry } from './quarantine.ts';

const row = fc.record({
  source: fc.constantFrom('birth_registry', 'registry_changelog'),
  id: fc.integer({ min: 1, max: 9 }),
  object_key: fc.constantFrom('a', 'b', null),
  fault: fc.constantFrom(null, 'x'),
});

describe('planRetry', () => {
  it('applies a prefix of every object, up to its first fault, and puts each row into one pile', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const { apply, fail, wait } = planRetry(rows);
        expect(apply.length + fail.length + wait.length).toBe(rows.length);
        for (const key of ['a', 'b']) {
          const of = rows.filter((each) => each.object_key === key);
          const first = of.findIndex((each) => each.fault !== null);
          const sound = first < 0 ? of.length : first;
          expect(apply.filter((each) => each.object_key === key)).toEqual(of.slice(0, sound));
          expect(fail.filter((each) => each.object_key === key)).toEqual(of.slice(sound, sound + 1));
          expect(wait.filter((each) => each.object_key === key)).toEqual(of.slice(sound + 1));
        }
      }),
    );
  });

  it('lets a row without a key keep nothing waiting', () => {
    const nameless = { source: 'birth_registry', object_key: null };
    const rows = [
      { ...nameless, id: 1, fault: 'x' },
      { ...nameless, id: 2, fault: null },
    ];
    expect(planRetry(rows)).toEqual({ fail: [rows[0]], apply: [rows[1]], wait: [] });
  });
});
