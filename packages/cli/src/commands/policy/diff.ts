import { Problem } from '@govctl/core/api';
import { diffPacks, lintPack, type Pack } from '@govctl/core/policy';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { policyDiff } from './declaration.ts';
import { readPack } from './read-pack.ts';

export const run: Run<typeof policyDiff> = async (context, { from, to }) => {
  const first = await packOf(context, from);
  const [before, after] = to === undefined ? [await storedPack(context, first.name), first] : [first, await packOf(context, to)];
  return { document: asDocument('PolicyDiff', diffPacks(before, after)) };
};

/** A path is a file; anything else is asked of govd. */
async function packOf(context: CommandContext, given: string): Promise<Pack> {
  if (given === '-' || given.includes('/') || /\.ya?ml$/.test(given)) return (await readPack(context, given)).pack;
  return storedPack(context, given);
}

async function storedPack({ client }: CommandContext, pack: string): Promise<Pack> {
  const { source, digest } = await client.call('policy.get', { params: { pack } });
  const linted = lintPack(source);
  if (linted.pack !== undefined) return linted.pack;
  throw new Problem('unprocessable', {
    detail: `the stored pack ${digest} is not one this govctl reads`,
    hint: `govctl policy show ${digest} --source`,
    reasons: linted.problems.map(({ path, message }) => ({ path, message })),
  });
}
