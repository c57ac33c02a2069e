import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isProblem, Problem } from '@govctl/core/api';
import type { CommandContext } from '../command.ts';

/** A file that a person named, whole; `name` is how messages call it. */
export type InputFile = { readonly name: string; readonly bytes: Buffer };

/**
 * Reads the file an argument names, or standard input for `-`.
 * @throws Problem `usage` when it is not there, not a file, not readable or longer than `limit` bytes
 */
export async function readInput({ cwd, io }: CommandContext, given: string, limit: number): Promise<InputFile> {
  if (given === '-') return { name: 'standard input', bytes: await io.readStdin(limit) };
  const file = resolve(cwd, given);
  const refuse = (why: string, cause?: unknown) =>
    new Problem('usage', { detail: `${given} cannot be read: ${why}`, hint: `ls -l ${file}`, cause });
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw refuse('it is a folder');
    if (found.size > limit) throw refuse(`it is longer than ${limit} bytes`);
    const bytes = await readFile(file);
    if (bytes.length > limit) throw refuse(`it is longer than ${limit} bytes`);
    return { name: given, bytes };
  } catch (error) {
    if (isProblem(error)) throw error;
    throw refuse((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message, error);
  }
}

const textLimit = 1024 * 1024;

/**
 * A text that people write (a pack, a contract), at most 1 MiB of UTF-8.
 * @throws Problem `usage`
 */
export async function readText(context: CommandContext, given: string): Promise<{ readonly name: string; readonly text: string }> {
  const { name, bytes } = await readInput(context, given, textLimit);
  try {
    // The digest of a pack is that of its bytes: a byte order mark is one of them.
    return { name, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (cause) {
    throw new Problem('usage', { detail: `${name} is not UTF-8 text`, hint: `file ${given}`, cause });
  }
}
