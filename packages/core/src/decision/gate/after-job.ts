import type { Facts } from '../facts.ts';
import { defer, evidence, type Finding, fail, type Moment } from '../gate.ts';

const open = ['CREATED', 'AUTHORIZED', 'EXECUTING', 'GOVERNANCE_CHECK', 'FINALIZING'];

/** What a promotion that comes after a job is told before its inputs are looked at; nothing where the job succeeded. Nobody waives it. */
export function afterJob({ job_run }: Facts, now: Moment): Finding | null {
  if (job_run === undefined || job_run.phase === 'COMPLETED') return null;
  const { run_id, phase, status, reason, result_ref } = job_run;
  const common = { expected: 'COMPLETED', actual: `${phase}/${status}`, evidence: [evidence(`run:${run_id}`, result_ref, null, now)] };
  const finding = open.includes(phase)
    ? defer({
        ...common,
        reason_code: 'job-open',
        reason: `job ${run_id} has not ended`,
        resolve: { who: 'the job', command: `govctl run watch ${run_id}` },
      })
    : fail({
        ...common,
        reason_code: 'job-failed',
        reason: `job ${run_id} did not succeed: ${reason ?? status}`,
        resolve: { who: 'whoever submits', command: `govctl run get ${run_id}` },
      });
  return { ...finding, waivable: false };
}
