import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@govctl/core/api';
import { readCheckpoint } from '@govctl/core/evidence';

/** The note in the second place, or null when there is none. @throws Problem `io` */
export async function readNote(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Problem('io', { detail: `the second place ${path} cannot be read: ${(cause as Error).message}`, cause });
  }
}

/** Writes a note durably: whole or not at all, whatever lay there. */
export async function writeNote(path: string, note: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(note);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Puts a newer checkpoint in the place of an older one: hosts that share the file never take it back. What lies there and is newer, or
 * the same, stays.
 *
 * @throws Error when what lies there is no checkpoint
 */
export async function advanceNote(path: string, note: string): Promise<void> {
  const size = readCheckpoint(note).size;
  const isNewer = async () => {
    const kept = await readNote(path);
    return kept === null || readCheckpoint(kept).size < size;
  };
  if (!(await isNewer())) return;
  const release = await takeLock(`${path}.lock`);
  try {
    // Asked again: somebody else may have been here between.
    if (await isNewer()) await writeNote(path, note);
  } finally {
    await release();
  }
}

/** A holder needs milliseconds. One that is seen unchanged for this long died; no clock of another host is asked. */
const abandonedMs = 2000;

/** A lock file, made by link(2), which is atomic on network file systems too. */
async function takeLock(lock: string): Promise<() => Promise<void>> {
  const token = randomBytes(12).toString('hex');
  const own = `${lock}.${token}`;
  const file = await open(own, 'w', 0o600);
  await file.writeFile(token);
  await file.close();
  let seen = '';
  let since = performance.now();
  try {
    for (;;) {
      try {
        await link(own, lock);
        return async () => await rm(lock, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await readFile(lock, 'utf8').catch(() => '');
      if (holder !== seen) {
        seen = holder;
        since = performance.now();
      } else if (performance.now() - since > abandonedMs) {
        // Whoever moves it away first, wins; the others find another holder or none.
        await rename(lock, `${own}.abandoned`).catch(() => undefined);
        await rm(`${own}.abandoned`, { force: true });
        since = performance.now();
      }
      await sleep(20);
    }
  } finally {
    await rm(own, { force: true });
  }
}
