import { describe, expect, it } from 'vitest';
import { type Fate, Ledger } from './ledger.ts';
import { parseOptions, Usage } from './option.ts';
import { makePlan, type Step } from './plan.ts';
import type { TrueRow } from './source.ts';

const options = { seed: 1, seconds: 20, writers: 24, raids: true };

describe('what the writers will do', () => {
  const plan = makePlan(options);

  it('is the same for the same seed, and another for another', () => {
    expect(makePlan(options)).toEqual(plan);
    expect(makePlan({ ...options, seed: 2 }).writers).not.toEqual(plan.writers);
  });

  it('has everything that a tail has to live with', () => {
    const transactions = plan.writers.flat();
    const kinds = ['commit', 'rollback', 'prepare', 'prepare-rollback', 'kill-idle', 'kill-statement', 'kill-commit'];
    expect(new Set(transactions.map(({ ending }) => ending))).toEqual(new Set(kinds));
    const steps: Step[] = transactions.flatMap((transaction) => transaction.steps);
    const savepoints = steps.filter((step) => step.kind === 'savepoint');
    expect(new Set(savepoints.map(({ keep }) => keep))).toEqual(new Set([true, false]));
    // The id is drawn, and the transaction has no xid yet.
    const late = transactions.filter(({ steps: [first] }) => first?.kind === 'birth' && first.changelog_first && first.delay_ms > 0);
    expect(late.length).toBeGreaterThan(0);
    expect(plan.holds.map(({ where }) => where)).toContain('other database');
    expect(plan.raids.length).toBeGreaterThan(0);
  });

  it('locks no more than one key in a transaction that other writers lock', () => {
    const shared = (step: Step): number =>
      step.kind === 'savepoint' ? step.steps.reduce((sum, inner) => sum + shared(inner), 0) : Number(step.kind !== 'pause' && step.shared);
    for (const { steps } of plan.writers.flat()) expect(steps.reduce((sum, step) => sum + shared(step), 0)).toBeLessThanOrEqual(1);
  });
});

describe('what the writers did', () => {
  const fate = (outcome: Fate['outcome']): Fate => ({ outcome, acknowledged_at: 5 });
  const row = (born_at: string): TrueRow => ({ id: 1, object_key: 'a', change: 'BORN', born_at, xid: '1', committed_at: 1 });
  const after = (outcome: Fate['outcome'], undone = false) => {
    const ledger = new Ledger();
    const born_at = ledger.moment();
    ledger.begin('a', born_at, fate(outcome)).undone = undone;
    return { ledger, born_at };
  };

  it('is refused when the table contradicts it', () => {
    expect(() => after('committed').ledger.complete([])).toThrow('is not in the table');
    for (const { ledger, born_at } of [after('rolled back'), after('committed', true)])
      expect(() => ledger.complete([row(born_at)])).toThrow('was never committed');
    expect(() => new Ledger().complete([row('t')])).toThrow('was never committed');
  });

  it('believes the table where an answer was lost, and then claims no order', () => {
    const { ledger, born_at } = after('unknown');
    expect(ledger.complete([])).toEqual([]);
    expect(ledger.complete([row(born_at)])).toMatchObject([{ acknowledged_at: Number.POSITIVE_INFINITY }]);
    const known = after('committed');
    expect(known.ledger.complete([row(known.born_at)])).toMatchObject([{ acknowledged_at: 5 }]);
  });

  it('gives every row a moment of its own, in text order', () => {
    const ledger = new Ledger();
    const moments = Array.from({ length: 2000 }, () => ledger.moment());
    expect(moments.toSorted()).toEqual(moments);
    expect(new Set(moments).size).toBe(2000);
  });
});

describe('the command line', () => {
  it('is read, and refused where it makes no sense', () => {
    const tailers = ['ours', 'cursor'];
    expect(parseOptions(['handoff', '--seed', '4,5', '--tailer', 'cursor'], tailers)).toEqual({
      seeds: [4, 5],
      seconds: 20,
      writers: 24,
      raids: false,
      tailers: ['cursor'],
    });
    for (const argv of [
      [],
      ['tail'],
      ['handoff', '--seed', 'x'],
      ['handoff', '--seconds', '0'],
      ['handoff', '--tailer', 'best'],
      ['handoff', '--x'],
    ])
      expect(() => parseOptions(argv, tailers), argv.join(' ')).toThrow(Usage);
  });
});
