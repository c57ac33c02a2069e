import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { configValidate } from './declaration.ts';
import { readConfig } from './read.ts';

export const run: Run<typeof configValidate> = async (context, args) => {
  const { file, value } = await readConfig(context, args.file);
  return { document: asDocument('ConfigValidation', { file, config_kind: value.kind, valid: true }) };
};
