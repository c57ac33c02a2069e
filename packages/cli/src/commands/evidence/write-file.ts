import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Writes a whole file or nothing. @returns its absolute path */
export async function writeWhole(cwd: string, file: string, bytes: Uint8Array): Promise<string> {
  const path = resolve(cwd, file);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const handle = await open(temporary, 'w', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return path;
}

/** Bytes as the output of a command. */
export async function* asBytes(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
