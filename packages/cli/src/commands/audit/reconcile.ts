import type { Run } from '../../command.ts';
import type { reconcile } from './declaration.ts';

/** Every ACTIVE object is looked for and every run compared: with many of them that takes longer than a question. */
const patienceMs = 10 * 60_000;

export const run: Run<typeof reconcile> = async ({ client, globals }, _args, flags) => {
  const document = await client.call(
    'reconcile.run',
    {
      body: {
        fix: flags.fix,
        ...(flags.run === undefined ? {} : { run_id: flags.run }),
        ...(flags.since === undefined ? {} : { since: flags.since }),
      },
    },
    { timeoutMs: globals.timeout ?? patienceMs },
  );
  return { document, exit: document.clean ? 'ok' : 'findings', names: document.findings.map(({ subject }) => subject) };
};
