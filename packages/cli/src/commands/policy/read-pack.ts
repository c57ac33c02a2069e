import { Problem } from '@govctl/core/api';
import { lintPack, type Pack } from '@govctl/core/policy';
import type { CommandContext } from '../../command.ts';
import { readText } from '../../io/input-file.ts';
import { counted } from '../../output/counted.ts';

export type PackFile = { readonly name: string; readonly source: string; readonly pack: Pack };

/**
 * A pack file that lints.
 * @throws Problem `usage` with every fault and its place
 */
export async function readPack(context: CommandContext, given: string): Promise<PackFile> {
  const { name, text } = await readText(context, given);
  const { pack, problems } = lintPack(text);
  if (pack !== undefined) return { name, source: text, pack };
  const count = problems.length;
  throw new Problem('usage', {
    detail: `${name} is not a policy pack that can be used: ${counted(count, 'fault')}`,
    hint: `correct ${count === 1 ? 'it' : 'them'}, then: govctl policy lint ${given}`,
    reasons: problems.map(({ path, line, column, message }) => ({
      path: `${given}:${line}:${column}`,
      message: path === '' ? message : `${path}: ${message}`,
    })),
  });
}
