import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { completionScripts } from '../../completion/script.ts';
import type { completion } from './declaration.ts';

export const run: Run<typeof completion> = async (_context, { shell }) => {
  const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined;
  if (script === undefined)
    throw new Problem('usage', { detail: `there is no completion for ${shell}`, hint: 'govctl completion bash, zsh or fish' });
  return { text: script };
};
