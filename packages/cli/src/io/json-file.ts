import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isProblem, Problem, parseStrictJson } from '@govctl/core/api';

const fileLimit = 64 * 1024 * 1024;

/**
 * A JSON file a flag names, read as strictly as govd reads requests.
 * @throws Problem `usage` that names the flag, when there is no such file or it is not JSON
 */
export async function readJsonFile(cwd: string, flag: string, path: string): Promise<unknown> {
  const file = resolve(cwd, path);
  try {
    const { size } = await stat(file);
    if (size > fileLimit) throw new Problem('usage', { detail: `${file} (${flag}) is longer than ${fileLimit} bytes` });
    return parseStrictJson(await readFile(file), { maxBytes: fileLimit });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (isProblem(error)) {
      throw new Problem('usage', {
        detail: `${file} is not what ${flag} reads: ${error.message}`,
        hint: error.hint ?? `correct ${file}`,
        cause: error,
      });
    }
    throw new Problem('usage', {
      detail: `${file} (${flag}) cannot be read: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
      hint: `ls -l ${file}`,
      cause: error,
    });
  }
}

/** Writes a JSON file only its owner can read: whole or not at all, whatever stood there before. */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const handle = await open(temporary, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new Problem('io', { detail: `${path} cannot be written: ${cause.message}`, hint: `ls -ld ${dirname(path)}`, cause });
  });
  try {
    await handle.chmod(0o600);
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
