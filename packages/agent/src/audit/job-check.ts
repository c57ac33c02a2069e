import { readJob } from '@govctl/core/job';
import { query } from '../db/index.ts';
import { eachPage } from './pace.ts';
import type { Reconciling } from './reconcile-scope.ts';
import { onRecord, readJson, unreadableFinding } from './unreadable.ts';

type OpenJob = { run_id: string; source: string; actor: string; outputs: string; updated_at: string };

const openFrom = (run: string) =>
  `SELECT r.run_id, j.source, j.actor, j.outputs, r.updated_at FROM ${run} JOIN job j ON j.run_id = r.run_id
   WHERE r.kind = 'job' AND r.phase NOT IN ('COMPLETED', 'FAILED') AND r.run_id > :after AND (:run_id IS NULL OR r.run_id = :run_id)
   ORDER BY r.run_id LIMIT :limit`;
const openJobs = query<{ after: string; run_id: string | null; limit: number }, OpenJob>('open jobs to check', {
  // Open ones are few among all that ever were; for the order alone SQLite would walk through every run.
  sqlite: openFrom('run r INDEXED BY run_open_job'),
  postgres: openFrom('run r'),
});

/** Jobs that are to be run, and of which what has to be run cannot be read: nobody will ever run them. */
export async function unreadableJobs({ deps, scope, now, checked, findings, pace }: Reconciling): Promise<void> {
  // A file of YAML takes as long as many rows: one at a time.
  const slowly = { ...pace, rows: () => 1 };
  const page = (last: OpenJob | null, limit: number) => openJobs({ after: last?.run_id ?? '', run_id: scope.run_id, limit });
  checked.open_jobs = await eachPage(deps.database, slowly, page, (rows) => {
    for (const { run_id, updated_at, ...job } of rows) {
      const fault = faultOf(job);
      if (fault === null) continue;
      findings.add(unreadableFinding({ check: 'job-file', subject: `run/${run_id}`, fault, at: updated_at, fix: onRecord(run_id) }, now));
    }
    return undefined;
  });
}

function faultOf({ source, actor, outputs }: Pick<OpenJob, 'source' | 'actor' | 'outputs'>): string | null {
  const [problem] = readJob(source).problems;
  if (problem !== undefined) return `its job file: ${problem.path} (line ${problem.line}): ${problem.message}`;
  for (const [name, text] of Object.entries({ actor, outputs })) {
    const { fault } = readJson(text);
    if (fault !== null) return `${name} ${fault}`;
  }
  return null;
}
