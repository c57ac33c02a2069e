import { digestOf } from '@govctl/core/evidence';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { policyLint } from './declaration.ts';
import { readPack } from './read-pack.ts';

export const run: Run<typeof policyLint> = async (context, { file }) => {
  const { source, pack } = await readPack(context, file);
  const { name, version, rules, tests } = pack;
  return {
    document: asDocument('PolicyLint', {
      file,
      ok: true,
      name,
      version,
      digest: digestOf(source),
      rules: rules.length,
      fixtures: tests.pass.length + tests.fail.length,
    }),
  };
};
