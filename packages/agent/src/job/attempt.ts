import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { digestOf } from '@govctl/core/evidence';
import type { JobStepFile, JobStepRow, StepSignal } from '@govctl/core/job';
import type { RunFolder } from './folder.ts';
import { ensureFolder, FolderFault } from './folder-fault.ts';
import type { Ended } from './process.ts';
import { readSignals } from './signal.ts';

/** The cookie of an attempt: what its processes are known by, whatever becomes of govd. */
export function cookieOf(row: Pick<JobStepRow, 'host' | 'process' | 'run_id' | 'step_index' | 'attempt'>): string {
  return `${row.host}/${row.process}/${row.run_id}/${row.step_index}/${row.attempt}`;
}

/**
 * What an attempt that ended comes to, with its output: signals count only where it succeeded, and only those it wrote itself.
 *
 * @param harm what it did to the pinned inputs; whatever else it did does not count then
 */
export async function outcomeOf(
  ended: Ended,
  step: JobStepFile,
  folder: RunFolder,
  known: ReadonlyMap<string, string>,
  harm: string | null,
) {
  const { exit_code, signal, cut, output, output_bytes, elapsed_ms, left_behind } = ended;
  const left = left_behind > 0 && cut === null ? `it left processes behind, which were ended` : null;
  let signals: StepSignal[] = [];
  let fault = harm;
  try {
    signals = (await readSignals(folder)).filter(({ name, digest }) => known.get(name) !== digest);
  } catch (error) {
    if (!(error instanceof FolderFault)) throw error;
    fault ??= error.message;
  }
  const ok = cut === null && exit_code === 0 && fault === null;
  const reason = cut ?? fault ?? (exit_code === 0 ? null : exit_code === null ? `it was ended by ${signal}` : `exit code ${exit_code}`);
  const told = [reason, left].filter((part) => part !== null).join('; ');
  return [
    {
      status: ok ? 'success' : 'failed',
      exit_code,
      signal,
      output_digest: digestOf(output),
      output_bytes,
      elapsed_ms,
      cost_units: step.cost_units,
      reason: told === '' ? null : told,
      takeaway: null,
      next_action: null,
      signals: ok ? signals : [],
    },
    output,
  ] as const;
}

/** Where a step runs. @throws FolderFault when that is outside of the run's folder */
export async function workFolder(folder: RunFolder, cwd: string): Promise<string> {
  const path = join(folder.root, cwd);
  await ensureFolder(path);
  const [real, root] = await Promise.all([realpath(path), realpath(folder.root)]);
  // A step before it may have put a link there.
  if (real !== root && !real.startsWith(`${root}${sep}`)) throw new FolderFault(`the folder ${cwd} leads out of the run's folder`);
  return real;
}
