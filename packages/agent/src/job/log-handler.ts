import { Readable } from 'node:stream';
import { type jobRoutes, Problem } from '@govctl/core/api';
import { type Handler, Reply } from '../http/index.ts';
import type { ObjectStore } from '../object/index.ts';
import type { ReadRun } from './job-reader.ts';
import type { JobWorker } from './worker.ts';

/** What attempts printed: from the objects, and of the one that runs here from memory. */
export function logHandler(
  { objects, worker }: { readonly objects: ObjectStore; readonly worker: Pick<JobWorker, 'driving'> },
  readRun: ReadRun,
): Handler<(typeof jobRoutes)['run.logs']> {
  return async ({ params, query, actor }) => {
    const { run, steps } = await readRun(params.run_id, actor, 'run.read');
    const { step, attempt } = query;
    if (step !== undefined && !run.file.steps.some(({ name }) => name === step)) {
      const names = run.file.steps.map(({ name }) => name).join(', ');
      throw new Problem('not-found', {
        detail: `run ${params.run_id} has no step ${step}; it has: ${names}`,
        hint: `govctl run get ${params.run_id}`,
      });
    }
    const wanted = steps.filter(
      (row) => row.status !== 'skipped' && (step === undefined || row.name === step) && (attempt === undefined || row.attempt === attempt),
    );
    if (step !== undefined && attempt !== undefined && wanted.length === 0)
      throw new Problem('not-found', {
        detail: `step ${step} had no attempt ${attempt}`,
        hint: `govctl run logs ${params.run_id} --step ${step}`,
      });
    const live = worker.driving(params.run_id)?.live ?? null;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (const row of wanted) {
        // One attempt is shown as it is; of several each says which it is.
        if (wanted.length > 1)
          yield Buffer.from(`== ${row.name}, attempt ${row.attempt}: ${row.status}${row.reason === null ? '' : ` (${row.reason})`}\n`);
        if (row.status === 'running') {
          yield live?.step === row.name && live.attempt === row.attempt
            ? live.capture.bytes()
            : Buffer.from('[it runs on another host; its output is there until it ends]\n');
        } else if (row.output_digest !== null) {
          const stored = await objects.read(row.output_digest);
          if (stored === null) yield Buffer.from(`[${row.output_digest} is not stored any more]\n`);
          else for await (const chunk of stored) yield chunk as Buffer;
        }
      }
    }
    return new Reply(200, Readable.from(pieces(), { objectMode: false }), { 'content-type': 'application/octet-stream' });
  };
}
