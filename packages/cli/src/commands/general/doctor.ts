import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { doctor } from './declaration.ts';
import { type Check, daemonChecks, localChecks } from './doctor-check.ts';

export const run: Run<typeof doctor> = async (context) => {
  const { checks: local, target } = await localChecks(context);
  const checks: Check[] = [...local, ...(target === undefined ? [] : await daemonChecks(context, target))];
  const failed = checks.some((check) => check.status === 'fail');
  return {
    document: asDocument('Doctor', { ok: !failed, checks }),
    exit: failed ? 'findings' : 'ok',
    names: checks.filter((check) => check.status === 'fail').map((check) => check.name),
  };
};
