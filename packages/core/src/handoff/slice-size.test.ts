import { expect, it } from 'vitest';
import { SliceSize } from './index.ts';

function slices(size: SliceSize, targetMs: number, row: number, count: number): number {
  for (let slice = 0; slice < count; slice += 1) size.learn(size.rows * row, targetMs);
  return size.rows * row;
}

it('finds the slice that takes the target, however dear a row is, and follows when that changes', () => {
  const size = new SliceSize();
  for (const row of [0.01, 0.05, 0.02]) {
    const took = slices(size, 5, row, 20);
    expect(took).toBeGreaterThan(4);
    expect(took).toBeLessThan(6);
  }
});

it('stays within bounds', () => {
  const size = new SliceSize();
  slices(size, 5, 0, 100);
  expect(size.rows).toBe(10_000);
  slices(size, 5, 1000, 100);
  expect(size.rows).toBe(100);
});
