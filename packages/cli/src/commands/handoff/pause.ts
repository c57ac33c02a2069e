import type { Run } from '../../command.ts';
import type { handoffPause } from './declaration-operation.ts';

export const run: Run<typeof handoffPause> = async ({ client, io }, _args, flags) => {
  const document = await client.call('handoff.pause', { body: { reason: flags.reason } });
  if (!document.changed) await io.warn(`${document.paused_by} paused it already at ${document.paused_at}: ${document.reason}`);
  return { document };
};
