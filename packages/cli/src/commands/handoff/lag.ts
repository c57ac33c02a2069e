import type { Run } from '../../command.ts';
import type { handoffLag } from './declaration.ts';

export const run: Run<typeof handoffLag> = async ({ client }) => {
  const document = await client.call('handoff.lag');
  return document.lag_rows === 0 && document.unannounced_rows === 0 ? { document } : { document, exit: 'findings' };
};
