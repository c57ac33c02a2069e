import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { CommandContext } from '../../command.ts';
import { evidenceFileLimit } from './verification.ts';

/** The bytes of a file, or of standard input for `-`. @throws Problem `usage` */
export async function readEvidenceFile({ io, cwd }: Pick<CommandContext, 'io' | 'cwd'>, file: string): Promise<Buffer> {
  if (file === '-') return await io.readStdin(evidenceFileLimit);
  const path = resolve(cwd, file);
  try {
    await using handle = await open(path);
    const { size } = await handle.stat();
    if (size > evidenceFileLimit) throw new Error(`it has ${size} bytes, the limit is ${evidenceFileLimit}`);
    return await handle.readFile();
  } catch (cause) {
    throw new Problem('usage', {
      detail: `${path} cannot be read: ${(cause as Error).message}`,
      hint: 'make one: govctl evidence get REF -O evidence.json',
      cause,
    });
  }
}
