import { Readable } from 'node:stream';
import { type evidenceRoutes, isProblem, Problem, schemaVersion } from '@govctl/core/api';
import { formatSse } from '@govctl/core/event';
import { type Handlers, Reply } from '../http/index.ts';
import { type VerifyLogOptions, verifyLog } from './verify-log.ts';

const progressEveryMs = 250;

/** One at a time: each reads every row there is. */
export function verifyHandler(options: Omit<VerifyLogOptions, 'signal'>): Pick<Handlers<typeof evidenceRoutes>, 'log.verify'> {
  let running = false;

  async function* messages(signal: AbortSignal): AsyncGenerator<string> {
    try {
      const work = verifyLog({ ...options, signal });
      let told = Number.NEGATIVE_INFINITY;
      for (;;) {
        const step = await work.next();
        if (step.done === true) {
          yield formatSse({ event: 'result', data: step.value });
          return;
        }
        if (performance.now() - told < progressEveryMs) continue;
        told = performance.now();
        yield formatSse({ event: 'progress', data: { schemaVersion, kind: 'LogVerifyProgress', ...step.value } });
      }
    } catch (error) {
      if (signal.aborted) return;
      const problem = isProblem(error) ? error : new Problem('internal', { detail: 'govd met a bug while it read the log', cause: error });
      yield formatSse({ event: 'problem', data: { schemaVersion, kind: 'Problem', ...problem.toDocument() } });
    } finally {
      running = false;
    }
  }

  return {
    async 'log.verify'({ signal }) {
      if (running) {
        throw new Problem('too-many-requests', { detail: 'the log is being verified already', hint: 'wait for it', retryAfterSeconds: 10 });
      }
      running = true;
      const body = Readable.from(messages(signal), { objectMode: true, highWaterMark: 1 });
      // A reader that never begins, or leaves, must not keep the next one out.
      body.once('close', () => {
        running = false;
      });
      return new Reply(200, body, { 'content-type': 'text/event-stream; charset=utf-8' });
    },
  };
}
