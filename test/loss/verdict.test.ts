import { describe, expect, it } from 'vitest';
import type { KnownRow } from './ledger.ts';
import { outcomeOf } from './outcome.ts';
import type { RunResult } from './run.ts';
import { judge } from './verdict.ts';

/** A birth whose statement began at its second `id`, committed a tenth later and was acknowledged after another. */
const born = (id: number, object_key: string, more: Partial<KnownRow> = {}): KnownRow => {
  const row = { id, object_key, change: 'BORN', born_at: `t${id}`, xid: `${id}` } as const;
  return { ...row, begun_at: id * 1000, committed_at: id * 1000 + 100, acknowledged_at: id * 1000 + 200, ...more };
};
const at = (row: KnownRow, moment: number) => ({ object_key: row.object_key, born_at: row.born_at, at: moment });
const [a1, b2, a3] = [born(1, 'a'), born(2, 'b'), born(3, 'a')];
const all = [a1, b2, a3];

describe('what was delivered against what was committed', () => {
  it('is clean when each came once, in order of its key', () => {
    const figures = judge(all, [at(b2, 2110), at(a1, 2120), at(a3, 3130)]);
    expect(figures).toMatchObject({ delivered: 3, lost: 0, doubled: 0, invented: 0, out_of_order: 0 });
    expect(figures.latency).toMatchObject({ p50: 30, max: 1020 });
  });

  it('counts what is lost, doubled and made up', () => {
    const figures = judge(all, [at(a1, 1110), at(a1, 1120), at(born(9, 'z'), 1130)]);
    expect(figures).toMatchObject({ delivered: 3, lost: 2, doubled: 1, invented: 1, out_of_order: 0 });
    expect(judge(all, [at(a1, 2)])).toMatchObject({ lost: 2 });
  });

  it('sees two of one key change places, where one was over before the other began', () => {
    expect(judge(all, [at(a3, 3110), at(a1, 3120), at(b2, 3130)]).out_of_order).toBe(1);
    const overlapping = born(3, 'a', { begun_at: 1150 });
    expect(judge([a1, overlapping], [at(overlapping, 3110), at(a1, 3120)]).out_of_order).toBe(0);
    const unknown = born(1, 'a', { acknowledged_at: Number.POSITIVE_INFINITY });
    expect(judge([unknown, a3], [at(a3, 3110), at(unknown, 3120)]).out_of_order).toBe(0);
  });

  it('sees two of one transaction change places', () => {
    const [first, second] = [born(1, 'a', { xid: '7' }), born(2, 'a', { xid: '7', begun_at: 1000 })];
    expect(judge([first, second], [at(second, 3000), at(first, 3000)]).out_of_order).toBe(1);
  });

  it('measures how long nothing came although something waited', () => {
    expect(judge(all, [at(a1, 1110), at(b2, 2110), at(a3, 3110)]).longest_stall).toBe(10);
    // b2 waited all the while, but a3 came meanwhile.
    expect(judge(all, [at(a1, 1110), at(a3, 3110), at(b2, 3500)]).longest_stall).toBe(1010);
  });
});

describe('the outcome of runs', () => {
  const clean = judge(all, [at(a1, 1110), at(b2, 2110), at(a3, 3110)]);
  const result = (tailer: string, control: boolean, figures = clean, complaints: string[] = []) => ({
    tailer,
    control,
    figures,
    complaints,
  });
  const run = (...tailers: RunResult['tailers']): RunResult[] => {
    const counts = { committed_rows: 3, committed_births: 3, gaps: 0, unknown_rows: 0 };
    return [{ seed: 1, seconds: 1, writers: 1, raids: false, hold_ms: 3000, ...counts, tailers }];
  };
  const losing = judge(all, [at(a1, 1110)]);
  const stalling = { ...clean, longest_stall: 2900 };

  it('passes where ours is clean and a control was caught, by a loss or by a stall', () => {
    expect(outcomeOf(run(result('ours', false), result('control', true, losing))).passed).toBe(true);
    expect(outcomeOf(run(result('ours', false), result('control', true, stalling))).passed).toBe(true);
  });

  it('fails when ours loses, or its effects are wrong', () => {
    for (const ours of [result('ours', false, losing), result('ours', false, clean, ['a candidate is missing'])])
      expect(outcomeOf(run(ours, result('control', true, losing))).passed).toBe(false);
  });

  it('fails when the harness is blind', () => {
    const { passed, findings } = outcomeOf(run(result('ours', false), result('control', true)));
    expect([passed, findings[0]]).toEqual([false, expect.stringContaining('blind')]);
  });
});
