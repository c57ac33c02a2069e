import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { readConfigFile, writeConfigFile } from '../../context/config-file.ts';
import { asDocument } from '../../output/result.ts';
import type { contextUse } from './declaration.ts';

export const run: Run<typeof contextUse> = async ({ globals, env, cwd, io }, { name }) => {
  const file = await readConfigFile(globals.config, env, cwd);
  if (!Object.hasOwn(file.config.contexts, name)) {
    throw new Problem('not-found', {
      detail: `${file.path} has no context ${JSON.stringify(name)}`,
      hint: Object.keys(file.config.contexts).length === 0 ? `govctl context add ${name} --socket PATH` : 'govctl context ls',
    });
  }
  await writeConfigFile(file.path, { ...file.config, current_context: name });
  // Otherwise the next command goes elsewhere and nobody knows why.
  for (const variable of ['GOVCTL_SOCKET', 'GOVCTL_CONTEXT']) {
    if (env[variable] !== undefined && env[variable] !== '' && env[variable] !== name) {
      await io.warn(`${variable}=${env[variable]} is set and counts before the current context: unset it`);
    }
  }
  return { document: asDocument('ContextUse', { current_context: name, config: file.path }), names: [name] };
};
