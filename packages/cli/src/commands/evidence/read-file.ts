import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { CommandContext } from '../../command.ts';
import { evidenceFileLimit } from './verification.ts';

/** The first bytes of a file; none of standard input, which can be read only once. */
export async function beginningOf({ cwd }: Pick<CommandContext, 'cwd'>, file: string, length: number): Promise<Buffer> {
  if (file === '-') return Buffer.alloc(0);
  try {
    await using handle = await open(resolve(cwd, file));
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    // Whoever reads all of it says what is wrong.
    return Buffer.alloc(0);
  }
}

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
      hint: 'govctl evidence get REF -O evidence.json makes one',
      cause,
    });
  }
}
