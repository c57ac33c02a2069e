import { Problem } from '@govctl/core/api';
import { configDigest as digestOfConfig } from '@govctl/core/config';
import { parityContract } from '@govctl/core/environment';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { configDigest } from './declaration.ts';
import { readConfig } from './read.ts';

export const run: Run<typeof configDigest> = async (context, args) => {
  const parity_contract = parityContract();
  if (args.file === undefined) return { document: asDocument('ConfigDigest', { config_digest: null, parity_contract }) };
  const { file, value } = await readConfig(context, args.file);
  if (value.kind !== 'GovdConfig') {
    throw new Problem('usage', {
      detail: `${file} configures govctl: no run depends on it, so it has no digest`,
      hint: 'govctl config digest govd.yaml',
    });
  }
  return {
    document: asDocument('ConfigDigest', {
      file,
      environment: value.config.environment,
      config_digest: digestOfConfig(value.config),
      parity_contract,
    }),
  };
};
