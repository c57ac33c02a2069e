import type { JobFact } from '../decision/facts.ts';
import { countSteps } from './decision.ts';
import type { JobRun, OutputSnapshot } from './run.ts';
import { manifestRows, usedBy } from './step.ts';
import type { JobStepRow } from './write.ts';

/** What the packs that judge a job are told of it. Its result has no ref yet: it is what they decide about. */
export function factOfJob(run: JobRun, steps: readonly JobStepRow[], outputs: readonly OutputSnapshot[], manifest_digest: string): JobFact {
  const { file, job } = run;
  const rows = manifestRows(steps);
  const secondsOf = (name: string) => usedBy(steps.filter((row) => row.name === name)).seconds;
  const told = rows.map(({ step, status, exit_code, reason = null, takeaway = null }) => ({
    step,
    status,
    exit_code,
    seconds: secondsOf(step),
    reason,
    takeaway,
  }));
  const { seconds, cost_units } = usedBy(steps);
  return {
    run_id: run.row.run_id,
    workspace: job.workspace,
    job_kind: job.job_kind,
    label_asof: file.label_asof,
    industry: file.business_profile?.industry ?? null,
    inputs: file.inputs.map(({ name, dataset_id, snapshot_id, snapshot_hash }) => ({ name, dataset_id, snapshot_id, snapshot_hash })),
    steps: told,
    signals: rows.flatMap(({ step, signals = [] }) => signals.map((signal) => ({ step, ...signal }))),
    outputs: outputs.map(({ snapshot_id: _id, ...output }) => output),
    ...countSteps(told),
    seconds,
    cost_units,
    limits: file.limits,
    manifest_digest,
    result_ref: null,
  };
}
