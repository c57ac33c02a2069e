import type { JobStepFile } from './job-file.ts';
import type { JobRun } from './run.ts';
import { usedBy } from './step.ts';
import type { JobStepRow } from './write.ts';

/** Which limit of its file a job exceeds, in words; null for none. Before the next attempt: what it would take too. After the last: what was taken. */
export function overLimit(run: Pick<JobRun, 'file'>, steps: readonly JobStepRow[], next: JobStepFile | null): string | null {
  const { limits } = run.file;
  const { seconds, cost_units } = usedBy(steps);
  if (seconds > limits.seconds || (next !== null && seconds >= limits.seconds))
    return `the limit of ${limits.seconds} s is used up (${seconds} s)`;
  const cost = cost_units + (next?.cost_units ?? 0);
  if (cost > limits.cost_units)
    return next === null
      ? `the budget of ${limits.cost_units} cost units is exceeded (${cost_units})`
      : `step ${next.name} would exceed the budget: ${cost} of ${limits.cost_units} cost units`;
  return null;
}
