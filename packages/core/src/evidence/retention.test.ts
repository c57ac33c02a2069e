import fc from 'fast-check';
import { expect, it } from 'vitest';
import { durationMs } from '../policy/duration.ts';
import { disposableKinds, disposableUnder, retentionSchema } from './retention.ts';

const rules = (...given: object[]) => retentionSchema.parse({ rules: given }).rules;
const record = { kind: 'decision', tenant_id: 'default', dataset_id: 'orders', recorded_at: '2026-01-01T00:00:00.000Z' };

it('lets a payload go when its time is over, and not at that moment', () => {
  const kept = rules({ name: 'a', kinds: ['decision'], keep_for: '10d' });
  expect(disposableUnder(kept, record, '2026-01-11T00:00:00.000Z')).toBeUndefined();
  expect(disposableUnder(kept, record, '2026-01-11T00:00:00.001Z')?.name).toBe('a');
  expect(disposableUnder(kept, { ...record, kind: 'promotion' }, '2030-01-01T00:00:00.000Z')).toBeUndefined();
  expect(disposableUnder([], record, '2030-01-01T00:00:00.000Z')).toBeUndefined();
});

it('is about the tenants and datasets it names; what belongs to no dataset, only with all of them', () => {
  const kept = rules({ name: 'a', kinds: ['decision'], datasets: ['orders'], tenants: ['default'], keep_for: '1d' });
  const now = '2030-01-01T00:00:00.000Z';
  expect(disposableUnder(kept, record, now)?.name).toBe('a');
  for (const other of [{ dataset_id: 'invoices' }, { dataset_id: null }, { tenant_id: 'acme' }])
    expect(disposableUnder(kept, { ...record, ...other }, now)).toBeUndefined();
  expect(disposableUnder(rules({ name: 'b', kinds: ['decision'], keep_for: '1d' }), { ...record, dataset_id: null }, now)?.name).toBe('b');
});

it('of several rules the one that keeps longest decides, in whatever order they stand', () => {
  const rule = fc.record({
    kinds: fc.constantFrom(['decision'], ['decision', 'promotion'], ['promotion']),
    datasets: fc.constantFrom(['*'], ['orders'], ['invoices']),
    keep_for: fc.integer({ min: 1, max: 400 }).map((days) => `${days}d`),
  });
  const age = fc.integer({ min: 0, max: 400 });
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 6 }), age, (given, days) => {
      const named = rules(...given.map((one, at) => ({ name: `r${at}`, ...one })));
      const now = new Date(Date.parse(record.recorded_at) + days * 86_400_000 + 1).toISOString();
      const found = disposableUnder(named, record, now);
      const about = named.filter(({ kinds, datasets }) => kinds.includes('decision') && !datasets.includes('invoices'));
      const longest = Math.max(...about.map(({ keep_for }) => durationMs(keep_for)));
      expect(found !== undefined).toBe(about.length > 0 && longest <= days * 86_400_000);
      if (found !== undefined) expect(durationMs(found.keep_for)).toBe(longest);
      expect(disposableUnder(named.toReversed(), record, now) !== undefined).toBe(found !== undefined);
    }),
  );
});

it('never names what accounts for erasures, or who may sign', () => {
  for (const kind of ['governance-fact', 'key-event', 'registry-event']) {
    expect(disposableKinds).not.toContain(kind);
    expect(retentionSchema.safeParse({ rules: [{ name: 'a', kinds: [kind], keep_for: '1d' }] }).success).toBe(false);
  }
  const twice = { name: 'a', kinds: ['decision'], keep_for: '1d' };
  expect(retentionSchema.safeParse({ rules: [twice, twice] }).error?.issues[0]?.path).toEqual(['rules', 1, 'name']);
});
