import type { JobRun, JobStep } from '@govctl/core/job';
import { failedWriteOf, innermost } from '../journal/failed-write.ts';
import { removeFolder, runFolder } from './folder.ts';
import { type LostTraceDependencies, withoutTrace } from './lost-trace.ts';

/** Somebody else runs this job now, or it moved: whoever meets this stops, and writes nothing more. */
export class HoldLost extends Error {
  override readonly name = 'HoldLost';
}

const pauseMs = 1000;

/**
 * Commits a step of a run, with its trace in the same transaction. Where that cannot be done it is tried again: a step that is not on record
 * is not begun, and one that ended is not forgotten. Where it is the trace that cannot be written, the observability guard says what becomes of
 * the run.
 *
 * @throws HoldLost when the lock is another's, or the run ended here because it cannot be watched
 */
export async function commitStep(deps: LostTraceDependencies, step: JobStep, signal: AbortSignal): Promise<JobRun> {
  let [now, ends] = [step, false];
  for (;;) {
    try {
      const traced = {
        ...now.unit,
        changes: [...now.unit.changes, ...now.trace.map((values) => ({ write: 'trace.append' as const, values }))],
      };
      const result = await deps.journal.commit(traced);
      if (!result.ok) throw new HoldLost(`${now.unit.label}: ${result.guard}`);
      if (ends) {
        await removeFolder(runFolder(deps.runs, step.run.row.run_id));
        throw new HoldLost(`${step.unit.label}: it ended, for its trace cannot be written`);
      }
      return now.run;
    } catch (error) {
      if (error instanceof HoldLost) throw error;
      const { run_id } = step.run.row;
      if (failedWriteOf(error) === 'trace.append') {
        deps.logger.error({ run_id, unit: step.unit.label, err: error }, 'the trace of a run cannot be written');
        const dark = await withoutTrace(deps, step, innermost(error)).catch((why: unknown) => {
          deps.logger.error({ run_id, err: why }, 'what a lost trace means for a run could not be found out; trying again');
        });
        if (dark !== undefined) {
          [now, ends] = [dark.step, dark.ends];
          continue;
        }
      }
      deps.logger.error({ run_id, unit: step.unit.label, err: error }, 'the run cannot be written; trying again');
      await deps.wait(pauseMs, signal);
    }
  }
}
