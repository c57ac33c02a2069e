import type { Run } from '../../command.ts';
import type { candidateActivate } from './declaration.ts';

export const run: Run<typeof candidateActivate> = async ({ client }, { key }, flags) => {
  const document = await client.call(flags.dryRun ? 'candidate.evaluate' : 'candidate.activate', { body: { object_key: key } });
  if (document.decision === 'allow' || document.already) return { document, names: [key] };
  return { document, names: [key], exit: document.decision };
};
