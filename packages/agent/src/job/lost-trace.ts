import { digestOf } from '@govctl/core/evidence';
import {
  attemptsOf,
  endUntraced,
  goesOnUntraced,
  incidentOf,
  type JobStep,
  type JobStepRow,
  manifestRows,
  type RunHold,
  runManifest,
  untraced,
} from '@govctl/core/job';
import { onLostTrace, stricterMode } from '@govctl/core/run';
import { incidentById } from '../incident/handler.ts';
import { oneChunk } from '../object/index.ts';
import { readStoredJob } from './queries.ts';
import type { WorkerDependencies } from './worker-port.ts';

export type LostTraceDependencies = Pick<
  WorkerDependencies,
  'database' | 'journal' | 'objects' | 'logger' | 'context' | 'observability' | 'runs' | 'wait'
>;

/** What a step becomes whose trace cannot be written: the same without its trace, with a mark and an incident; or the end of the run. */
export async function withoutTrace(
  deps: LostTraceDependencies,
  step: JobStep,
  error: string,
): Promise<{ readonly step: JobStep; readonly ends: boolean }> {
  const { run_id } = step.run.row;
  const stored = await readStoredJob(deps.database, run_id);
  if (stored === undefined) throw new Error(`run ${run_id} is not there`);
  const { run, steps } = stored;
  const lost = onLostTrace(stricterMode(deps.observability(), run.file.observability), error);
  const context = await deps.context(step.run.row.updated_at);
  const hold = holdOf(step);
  if (goesOnUntraced(step, lost) || hold === undefined) {
    const { incident_id } = incidentOf(run, lost, context);
    const [[told]] = await deps.database.read([incidentById({ incident_id })]);
    return { step: untraced(run, step, lost, told !== undefined, context), ends: false };
  }
  const rows = manifestRows(attemptsAfter(steps, step));
  const bytes = runManifest(run_id, run.file.workspace, rows);
  if (rows.length > 0) await deps.objects.put(digestOf(bytes), oneChunk(bytes));
  return { step: endUntraced(run, hold, step, lost, rows.length > 0 ? digestOf(bytes) : null, context), ends: true };
}

/** What the run holds its workspace with: it stands first in every unit of it. */
function holdOf({ unit }: JobStep): RunHold | undefined {
  const renewal = unit.changes.find((change) => change.write === 'lock.renew');
  return renewal === undefined ? undefined : { lock_key: renewal.values.lock_key, fence: renewal.values.fence };
}

function attemptsAfter(rows: readonly JobStepRow[], step: JobStep): JobStepRow[] {
  const said = attemptsOf(step);
  const ended = said.flatMap((change) => (change.write === 'job-step.end' ? [change.values] : []));
  const begun = said.flatMap((change) => (change.write === 'job-step.insert' ? [change.values] : []));
  const after = rows.map((row) => ({
    ...row,
    ...ended.find(({ step_index, attempt }) => row.step_index === step_index && row.attempt === attempt),
  }));
  return [...after, ...begun];
}
