import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobFile, JobStepFile } from './job-file.ts';
import { overLimit } from './limit.ts';
import type { JobStepRow } from './write.ts';

const job = { file: { limits: { steps: 9, seconds: 10, cost_units: 5 } } as JobFile };
const took = (seconds: number, cost_units: number) => [
  { elapsed_ms: seconds * 1000, cost_units, status: 'success', step_index: 0 } as JobStepRow,
];
const next = (cost_units: number) => ({ name: 'next', cost_units }) as JobStepFile;

describe('the limits of a job', () => {
  it('are not exceeded by what just fits', () => {
    expect(overLimit(job, took(10, 5), null)).toBeNull();
    expect(overLimit(job, took(9.9, 4), next(1))).toBeNull();
  });

  it('stop the next attempt before it takes what is not there, and name it', () => {
    expect(overLimit(job, took(10, 0), next(0))).toContain('the limit of 10 s is used up');
    expect(overLimit(job, took(1, 4), next(2))).toBe('step next would exceed the budget: 6 of 5 cost units');
  });

  it('are exceeded after an attempt that took more', () => {
    expect(overLimit(job, took(10.5, 0), null)).toContain('(10.5 s)');
    expect(overLimit(job, took(1, 6), null)).toBe('the budget of 5 cost units is exceeded (6)');
  });

  it('never come back: what is over stays over, whatever more is taken', () => {
    const amount = fc.nat(20);
    fc.assert(
      fc.property(amount, amount, amount, amount, (seconds, cost, moreSeconds, moreCost) => {
        if (overLimit(job, took(seconds, cost), null) === null) return;
        expect(overLimit(job, [...took(seconds, cost), ...took(moreSeconds, moreCost)], null)).not.toBeNull();
      }),
    );
  });
});
