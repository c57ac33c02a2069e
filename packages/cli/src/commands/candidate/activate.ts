import type { Run } from '../../command.ts';
import { reportRenderings } from '../../output/gate-report.ts';
import type { candidateActivate } from './declaration.ts';

export const run: Run<typeof candidateActivate> = async ({ client }, { key }, flags) => {
  const document = await client.call(flags.dryRun ? 'candidate.evaluate' : 'candidate.activate', { body: { object_key: key } });
  const renderings = reportRenderings([{ subject: ['candidate', key], judged_at: null, answers: document.gates }]);
  if (document.decision === 'allow' || document.already) return { document, names: [key], renderings };
  return { document, names: [key], exit: document.decision, renderings };
};
