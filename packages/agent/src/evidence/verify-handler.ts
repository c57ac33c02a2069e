import { Readable } from 'node:stream';
import { isProblem, type logRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { formatSse } from '@govctl/core/event';
import { type Handlers, Reply } from '../http/index.ts';
import { type VerifyLogOptions, verifyLog } from './verify-log.ts';

const progressEveryMs = 250;

/** One at a time: each reads every row there is. */
export function verifyHandler(options: Omit<VerifyLogOptions, 'signal'>): Pick<Handlers<typeof logRoutes>, 'log.verify'> {
  let running: symbol | undefined;

  async function* messages(own: symbol, signal: AbortSignal): AsyncGenerator<string> {
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
      leave(own);
    }
  }

  // Only whoever is in leaves: one that was abandoned and ends late must not let a third in.
  const leave = (own: symbol) => {
    if (running === own) running = undefined;
  };

  return {
    async 'log.verify'({ signal }) {
      if (running !== undefined) {
        throw new Problem('too-many-requests', { detail: 'the log is being verified already', hint: 'wait for it', retryAfterSeconds: 10 });
      }
      const own = Symbol('verification');
      running = own;
      const body = Readable.from(messages(own, signal), { objectMode: true, highWaterMark: 1 });
      // A reader that never begins, or leaves, must not keep the next one out.
      body.once('close', () => leave(own));
      return new Reply(200, body, { 'content-type': 'text/event-stream; charset=utf-8' });
    },
  };
}
