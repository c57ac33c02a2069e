import { type ReadJob, readJob } from '@govctl/core/job';

/** Jobs that are looked at over and over: those that run, and those somebody watches. */
const most = 32;
const read = new Map<string, { readonly source: string; readonly job: ReadJob }>();

/** Reads a job file; of a run whose file was read lately, without reading it again: a driver asks several times a step. */
export function readJobOf(run_id: string, source: string): ReadJob {
  const known = read.get(run_id);
  if (known !== undefined && known.source === source) return known.job;
  const job = readJob(source);
  const [oldest] = read.keys();
  if (read.size >= most && oldest !== undefined) read.delete(oldest);
  read.set(run_id, { source, job });
  return job;
}
