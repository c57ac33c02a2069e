import { expect, it } from 'vitest';
import { violationsOf } from '../run/mid-run.ts';
import { limitsUnder, midRunFacts } from './mid-run.ts';
import type { JobRun } from './run.ts';

const limits = { steps: 20, seconds: 600, cost_units: 100 };
const run = {
  file: { policy_packs: ['jobs-default', 'extra'], limits },
  job: { stop_asked_at: null, stop_reason: null },
} as unknown as JobRun;
const now = { packs: ['jobs-default', 'extra', 'other'], ceilings: {}, tenant_suspended: null };

it('has its own limits under a ceiling that is higher or absent, and the ceiling where that is lower', () => {
  expect(limitsUnder(limits, {})).toEqual(limits);
  expect(limitsUnder(limits, { seconds: 700, cost_units: 99 })).toEqual({ ...limits, cost_units: 99 });
});

it('finds nothing while everything stands as it did', () => {
  expect(violationsOf(midRunFacts(run, [], now))).toEqual([]);
  expect(violationsOf(midRunFacts(run, [], { ...now, ceilings: { steps: 500, seconds: 600 } }))).toEqual([]);
});

it('finds a pack of its own that is gone, a lowered limit, a suspension and a stop', () => {
  const found = (over: Partial<typeof now>) => violationsOf(midRunFacts(run, [], { ...now, ...over })).map(({ type }) => type);
  expect(found({ packs: ['jobs-default', 'other'] })).toEqual(['POLICY_DISABLED']);
  expect(found({ ceilings: { cost_units: 50 } })).toEqual(['LIMIT_CHANGED']);
  expect(violationsOf(midRunFacts(run, [], { ...now, tenant_suspended: 'acme was suspended' }))).toMatchObject([
    { type: 'TENANT_SUSPENDED' },
  ]);
  const stopped = { ...run, job: { ...run.job, stop_asked_at: '2026-01-31T00:00:00.000Z', stop_reason: 'wrong month' } };
  expect(violationsOf(midRunFacts(stopped, [], now))).toEqual([{ type: 'MANUAL_STOP', detail: 'wrong month' }]);
});
