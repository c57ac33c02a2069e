import type { Run } from '../../command.ts';
import { readConfigFile } from '../../context/config-file.ts';
import { asDocument } from '../../output/result.ts';
import type { contextLs } from './declaration.ts';

export const run: Run<typeof contextLs> = async ({ globals, env, cwd }) => {
  const { config } = await readConfigFile(globals.config, env, cwd);
  const items = Object.entries(config.contexts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, context]) => ({
      name,
      current: name === config.current_context,
      endpoint: context.url ?? context.socket ?? null,
      api_key_file: context.api_key_file ?? null,
      trust_file: context.trust_file ?? null,
      tenant: context.tenant ?? 'default',
    }));
  return { document: asDocument('ContextList', { items }) };
};
