import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRun, JobStep } from '@govctl/core/job';
import type { JobDependencies } from './worker-port.ts';

/** Somebody else runs this job now, or it moved: whoever meets this stops, and writes nothing more. */
export class HoldLost extends Error {
  override readonly name = 'HoldLost';
}

const pauseMs = 1000;

/**
 * Commits a step of a run, with its trace in the same transaction. Where that cannot be done it is tried again: a step that is not on record
 * is not begun, and one that ended is not forgotten. A trace alone that cannot be written does not stop the run, and stands on it.
 *
 * @throws HoldLost when the lock is another's
 */
export async function commitStep(deps: Pick<JobDependencies, 'journal' | 'logger'>, step: JobStep, signal: AbortSignal): Promise<JobRun> {
  for (;;) {
    try {
      const traced = {
        ...step.unit,
        changes: [...step.unit.changes, ...step.trace.map((values) => ({ write: 'trace.append' as const, values }))],
      };
      const result = await deps.journal.commit(traced);
      if (result.ok) return step.run;
      throw new HoldLost(`${step.unit.label}: ${result.guard}`);
    } catch (error) {
      if (error instanceof HoldLost) throw error;
      if (step.trace.length > 0 && (await withoutTrace(deps, step))) return step.run;
      deps.logger.error({ run_id: step.run.row.run_id, unit: step.unit.label, err: error }, 'the run cannot be written; trying again');
      await sleep(pauseMs, undefined, { signal });
    }
  }
}

async function withoutTrace(deps: Pick<JobDependencies, 'journal' | 'logger'>, step: JobStep): Promise<boolean> {
  try {
    const result = await deps.journal.commit(step.unit);
    if (!result.ok) throw new HoldLost(`${step.unit.label}: ${result.guard}`);
    deps.logger.error({ run_id: step.run.row.run_id, unit: step.unit.label }, 'the trace of the run cannot be written; the run goes on');
    return true;
  } catch (error) {
    if (error instanceof HoldLost) throw error;
    return false;
  }
}
