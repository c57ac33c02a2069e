import type { Limits, MidRunFacts } from '../run/mid-run.ts';
import { crossedEvents, crossedLimits, withCrossed } from '../run/threshold.ts';
import { advanceRun, type JobContext, type JobRun, type JobStep, jobEvents, type RunHold, renewed, withState } from './run.ts';
import { usedBy } from './step.ts';
import type { JobStepRow } from './write.ts';

/** What a deployment allows a job at most. */
export type Ceilings = Partial<Record<keyof Limits, number | undefined>>;

/** The limits of a job as they are now: its own, or what the deployment allows where that is less. */
export function limitsUnder(limits: JobRun['file']['limits'], ceilings: Ceilings): { [name in keyof Limits]: number } {
  const least = (name: keyof Limits) => Math.min(limits[name], ceilings[name] ?? Number.POSITIVE_INFINITY);
  return { steps: least('steps'), seconds: least('seconds'), cost_units: least('cost_units') };
}

/** What stands now, looked up by whoever asks. */
export type StandsNow = {
  /** Names of the active packs. */
  readonly packs: readonly string[];
  readonly ceilings: Ceilings;
  readonly tenant_suspended: string | null;
};

/** What the next step of a job is checked against. */
export function midRunFacts({ file, job }: JobRun, steps: readonly JobStepRow[], now: StandsNow): MidRunFacts {
  return {
    stop_requested: job.stop_asked_at === null ? null : (job.stop_reason ?? 'it was stopped'),
    tenant_suspended: now.tenant_suspended,
    packs_at_start: file.policy_packs,
    packs_now: now.packs,
    limits_at_start: file.limits,
    limits_now: limitsUnder(file.limits, now.ceilings),
    used: usedBy(steps),
  };
}

/** Thresholds of its limits that a job reached and that were not told of yet: on its row, and as events. Nothing is stopped by it. */
export function noteThresholds(run: JobRun, hold: RunHold, steps: readonly JobStepRow[], context: JobContext): JobStep | null {
  // How many steps there are is said in the file: that they are run is no risk.
  const crossed = crossedLimits({ ...run.file.limits, steps: null }, usedBy(steps), run.state.thresholds);
  if (crossed.length === 0) return null;
  const noted = withState(run, withCrossed(run.state, crossed), context);
  return {
    run: noted,
    trace: [],
    unit: {
      label: 'job.threshold',
      changes: [...renewed(run, hold, context), advanceRun(run, noted)],
      records: [],
      events: jobEvents(noted, context, crossedEvents(crossed)),
    },
  };
}
