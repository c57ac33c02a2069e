import { resolve } from 'node:path';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { Check } from './check.ts';
import type { doctor } from './declaration.ts';
import { daemonChecks, localChecks } from './doctor-check.ts';
import { stateChecks, stateFolderOf } from './state-check.ts';

export const run: Run<typeof doctor> = async (context, _args, flags) => {
  const { checks: local, target } = await localChecks(context);
  const daemon = target === undefined ? [] : await daemonChecks(context);
  const answers = daemon.some(({ name, status }) => name === 'daemon' && status === 'pass');
  const named = flags.stateDir === undefined ? undefined : resolve(context.cwd, flags.stateDir);
  // A daemon that runs looks at its own folder; one that does not is looked at from outside.
  const state = answers && named === undefined ? [] : await stateChecks(context, await stateFolderOf(target, named), flags.govd);
  const checks: Check[] = [...local, ...daemon, ...state];
  const failed = checks.some((check) => check.status === 'fail');
  return {
    document: asDocument('Doctor', { ok: !failed, checks }),
    exit: failed ? 'findings' : 'ok',
    names: checks.filter((check) => check.status === 'fail').map((check) => check.name),
  };
};
