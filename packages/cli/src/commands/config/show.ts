import { effectiveSettings } from '@govctl/core/config';
import { parse } from 'yaml';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { configShow } from './declaration.ts';
import { readConfig } from './read.ts';

export const run: Run<typeof configShow> = async (context, args, flags) => {
  const { file, text, value } = await readConfig(context, args.file);
  const head = { file, config_kind: value.kind };
  if (!flags.origin) return { document: asDocument('Config', { ...head, config: flags.effective ? value.config : parse(text) }) };
  const settings = effectiveSettings(text, value.config).filter((setting) => flags.effective || setting.origin === 'file');
  return { document: asDocument('ConfigSettings', { ...head, settings }) };
};
