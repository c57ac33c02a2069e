import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';

/** What a step may not do with the job's data, in words for whoever wrote the job. */
export class FolderFault extends Error {
  override readonly name = 'FolderFault';
}

/** What the file system says of a place where a step took something away, put something else, or keeps others out. */
const doneByStep = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG']);

/**
 * Looks at what a step left. What cannot be read there is its doing, and stays so however often it is tried.
 * @throws FolderFault for that; anything else as it was thrown
 */
export async function leftByStep<T>(what: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof FolderFault || !doneByStep.has(code)) throw error;
    throw new FolderFault(`${what} cannot be read (${code}): a step took it away, replaced it or closed it`);
  }
}

/** Makes a folder of the run where there is none. @throws FolderFault where a step put something else */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (!['EEXIST', 'ENOTDIR'].includes(codeOf(error))) throw error;
    throw new FolderFault(`${basename(path)} is no folder any more: a step put something else there`);
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
