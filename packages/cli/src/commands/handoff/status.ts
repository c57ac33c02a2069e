import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { handoffStatus } from './declaration.ts';

const pollMs = 500;
const patienceMs = 600_000;

export const run: Run<typeof handoffStatus> = async ({ client, io, globals, now, signal }, _args, flags) => {
  let document = await client.call('handoff.status');
  if (flags.wait && document.coverage !== 'ok') {
    const until = now().getTime() + (globals.timeout ?? patienceMs);
    const progress = await io.progress('waiting for the tail');
    const behind = document.lag_rows;
    while (document.coverage !== 'ok' && now().getTime() < until) {
      progress.update({ done: Math.max(0, behind - document.lag_rows), total: behind, unit: 'rows' });
      await sleep(pollMs, undefined, { signal }).catch((cause) => {
        throw new Problem('cancelled', { detail: 'interrupted while waiting for the tail', cause });
      });
      document = await client.call('handoff.status');
    }
    if (document.coverage !== 'ok') {
      await progress.fail(`coverage is still ${document.coverage}: ${document.reason}`);
      return { document, exit: 'timeout' };
    }
    await progress.done('every birth has arrived');
  }
  return document.coverage === 'ok' ? { document } : { document, exit: 'findings' };
};
