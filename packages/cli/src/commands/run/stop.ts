import type { Run } from '../../command.ts';
import type { runStop } from './declaration.ts';
import { awaitEnd, hasEnded } from './outcome.ts';

export const run: Run<typeof runStop> = async (context, { run: run_id }, flags) => {
  const asked = await context.client.call('run.stop', { params: { run_id }, body: { reason: flags.reason } });
  if (!flags.wait || hasEnded(asked)) return { document: asked };
  const ended = await awaitEnd(context, asked, flags.timeout);
  // That it ended cancelled is what was asked for; that it ended otherwise was not.
  return 'document' in ended && ended.document.status === 'cancelled' ? { document: ended.document } : ended;
};
