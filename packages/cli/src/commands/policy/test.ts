import { digestOf } from '@govctl/core/evidence';
import { testPack } from '@govctl/core/policy';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { policyTest } from './declaration.ts';
import { readPack } from './read-pack.ts';

export const run: Run<typeof policyTest> = async (context, { file }) => {
  const { source, pack } = await readPack(context, file);
  const { ok, results, untested } = testPack(source);
  const failed = results.filter((result) => !result.ok).length;
  const { name, version } = pack;
  return {
    document: asDocument('PolicyTest', {
      file,
      ok,
      name,
      version,
      digest: digestOf(source),
      passed: results.length - failed,
      failed,
      untested,
      results,
    }),
    exit: ok ? 'ok' : 'findings',
  };
};
