import { isProblem, Problem } from '@govctl/core/api';
import type { CommandContext, Run } from '../../command.ts';
import { plain } from '../../output/table/text.ts';
import type { eventTail } from './declaration.ts';

type Fields = Readonly<Record<string, unknown>>;
type Query = { from?: number; last?: number; type?: string; tenant_id?: string; dataset_id?: string; run_id?: string };

const newest = 10;
const retryMs = [200, 500, 1_000, 2_000, 5_000];

export const run: Run<typeof eventTail> = async (context, _args, flags) => {
  if (flags.from !== undefined && flags.last !== undefined) {
    throw new Problem('usage', { detail: '--from and --last exclude each other', hint: 'give one of them' });
  }
  const query: Query = {
    ...(flags.from === undefined ? { last: flags.last ?? newest } : { from: flags.from }),
    ...(flags.type.length === 0 ? {} : { type: flags.type.join(',') }),
    ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
    ...(flags.dataset === undefined ? {} : { dataset_id: flags.dataset }),
    ...(flags.run === undefined ? {} : { run_id: flags.run }),
  };
  return { stream: flags.follow ? follow(context, query) : once(context, query), line };
};

async function* once({ client }: CommandContext, query: Query): AsyncGenerator<Fields> {
  for await (const { data } of client.events('event.stream', { query: { ...query, follow: 'false' } })) yield data as Fields;
}

/** Goes on through restarts of the daemon: from the position after the last one seen. */
async function* follow({ client, io, signal }: CommandContext, query: Query): AsyncGenerator<Fields> {
  let place: Pick<Query, 'from' | 'last'> = query.from === undefined ? { last: query.last ?? newest } : { from: query.from };
  let connectedOnce = false;
  for (let failures = 0; ; failures += 1) {
    try {
      const { from: _from, last: _last, ...filter } = query;
      for await (const { id, data } of client.events('event.stream', { query: { ...filter, ...place, follow: 'true' } })) {
        connectedOnce = true;
        failures = 0;
        if (id !== null) place = { from: Number(id) + 1 };
        yield data as Fields;
      }
    } catch (error) {
      const lost = isProblem(error) && ['unreachable', 'not-started', 'stale-socket', 'unavailable'].includes(error.code);
      // What fails the first time is an error; what worked before is waited for.
      if (!lost || !connectedOnce) throw error;
    }
    if (signal.aborted) return;
    connectedOnce = true;
    await io.note('the connection to govd was lost: trying again');
    await pause(retryMs[Math.min(failures, retryMs.length - 1)] ?? 1_000, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

function line(event: Fields): string {
  const text = (name: string) => (typeof event[name] === 'string' ? plain(event[name]) : '-');
  return `${text('position').padStart(8)}  ${text('time')}  ${text('type').padEnd(28)}  ${text('subject')}`;
}
