import { expect, it } from 'vitest';
import { BatchSize, busyTargetMs, idleTargetMs } from './index.ts';

/** A disk that needs `flush` ms for a commit, and `row` ms for a row. */
function drain(size: BatchSize, targetMs: number, flush: number, row: number, batches: number): number {
  let rows = 0;
  for (let batch = 0; batch < batches; batch += 1) {
    rows = size.rows(targetMs);
    size.learn(rows, flush + rows * row);
  }
  return rows;
}

it('finds the batch that takes about the target', () => {
  const rows = drain(new BatchSize(), idleTargetMs, 3, 0.002, 30);
  expect(3 + rows * 0.002).toBeGreaterThan(idleTargetMs * 0.7);
  expect(3 + rows * 0.002).toBeLessThan(idleTargetMs * 1.3);
});

it('does not shrink to nothing when the disk flush alone takes the whole target, and grows again afterwards', () => {
  const size = new BatchSize();
  expect(drain(size, busyTargetMs, 6, 0.002, 200)).toBeGreaterThanOrEqual(500);
  expect(drain(size, idleTargetMs, 6, 0.002, 30)).toBeGreaterThan(20_000);
});

it('shrinks when rows become slow', () => {
  const size = new BatchSize();
  drain(size, idleTargetMs, 3, 0.002, 30);
  expect(drain(size, idleTargetMs, 3, 0.05, 30)).toBeLessThan(2_000);
});

it('grows again after one slow batch made the batches small', () => {
  const size = new BatchSize();
  size.rows(400);
  size.learn(4_000, 4_000);
  expect(size.rows(400)).toBe(500);
  // Most of what a small batch takes is round trips and the flush.
  expect(drain(size, 400, 40, 0.02, 30)).toBeGreaterThan(10_000);
});
