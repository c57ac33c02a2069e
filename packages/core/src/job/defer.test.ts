import { expect, it } from 'vitest';
import type { RunState } from '../promotion/run-state.ts';
import { deferJob, requeueJob } from './defer.ts';
import { readJob } from './job-file.ts';
import { executedJob, type JobContext, type JobRun, startJob } from './run.ts';
import { submitJob } from './submit.ts';
import type { JudgedJob } from './verdict.ts';

const began = Date.parse('2026-01-31T00:00:00.000Z');
const hours = (count: number): JobContext => ({
  environment: 'local_parity',
  service_release_id: 'govd-test',
  config_digest: null,
  policy_rev: null,
  policy_activation: 1,
  salt: () => '0'.repeat(32),
  at: new Date(began + count * 3_600_000).toISOString(),
});
const hold = { lock_key: 'workspace/default/acme', fence: 1 };
const limits = { again_ms: 60_000, max_ms: 24 * 3_600_000 };
const judged = {
  facts: { as_of: hours(5).at, job: { manifest_digest: `sha256:${'0'.repeat(64)}` } },
  decision: { decision: 'defer', gates: [], waiting_on: ['rule:jobs-default/settled'], input_digest: `sha256:${'1'.repeat(64)}` },
} as unknown as JudgedJob;

/** A job that ran for five hours before it was judged. */
function executed(): JobRun {
  const source = `apiVersion: govctl/v1
kind: Job
workspace: acme
label_asof: 2026-01-31T00:00:00Z
inputs: [{ name: orders, dataset_id: orders, snapshot_id: s, snapshot_hash: 'sha256:${'2'.repeat(64)}' }]
policy_packs: [jobs-default]
steps: [{ name: one, command: ['true'] }]
`;
  const { job: file } = readJob(source);
  if (file === undefined) throw new Error('not a job');
  const actor = { actor_id: 'HUMAN::ada', source_type: 'HUMAN' as const, authenticated_by: 'api-key:ada', grants: [] };
  const asked = { run_id: 'late', tenant_id: 'default', file, source, job_digest: `sha256:${'3'.repeat(64)}`, request_digest: 'r' };
  const submitted = submitJob({ ...asked, actor: actor as never, trace_id: 't', rerun_of: null, expected_fence: 0 }, hours(0));
  const started = startJob(submitted.run, hold, hours(0));
  return executedJob(started.run, hold, { manifest_digest: `sha256:${'0'.repeat(64)}`, outputs: [] }, hours(5)).run;
}

it('tells of how long it has been waiting, at 80 and at 100 hundredths, each once and from its first deferral on', () => {
  let run = executed();
  const told: [number, unknown][] = [];
  for (const hour of [5, 6, 24, 24.3, 28, 29, 30]) {
    const step = deferJob(run, hold, judged, limits, hours(hour));
    for (const { type, data } of step.unit.events) if (type === 'threshold.exceeded') told.push([hour, data]);
    expect(JSON.parse(step.run.row.state)).toEqual(step.run.state);
    expect(step.run.row.defer_until).toBe(hours(29).at);
    run = requeueJob(step.run, hold, hours(hour)).run;
  }
  const limit = 24 * 3600;
  expect(told).toEqual([
    [24.3, { threshold: 'defer:80', risk_level: 'elevated', value: 19.3 * 3600, limit }],
    [29, { threshold: 'defer:100', risk_level: 'high', value: limit, limit }],
  ]);
  const { risk_level, thresholds } = run.state satisfies RunState;
  expect([risk_level, thresholds]).toEqual(['high', ['defer:80', 'defer:100']]);
});

it('does not grow while it gets the same answer, and does when it waits for something else', () => {
  let run = deferJob(executed(), hold, judged, limits, hours(5)).run;
  const before = run.state.phases;
  for (const hour of [6, 7, 8]) run = deferJob(requeueJob(run, hold, hours(hour)).run, hold, judged, limits, hours(hour)).run;
  expect(run.state.phases).toEqual(before);
  expect([run.row.phase, run.row.status]).toEqual(['GOVERNANCE_CHECK', 'deferred']);
  const other = { ...judged, decision: { ...judged.decision, waiting_on: ['rule:jobs-default/other'] } } as JudgedJob;
  run = deferJob(requeueJob(run, hold, hours(9)).run, hold, other, limits, hours(9)).run;
  expect(run.state.phases.slice(before.length).map(({ event }) => event)).toEqual(['requeue', 'defer']);
});
