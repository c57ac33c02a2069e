import { mkdir, readdir, rmdir, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { Problem } from '@govctl/core/api';

/** Where a restore writes before anything has its name. */
const restoreDraft = '.restore';

/**
 * Whether a state folder may be made there: it is new, or empty.
 * @throws Problem `locked` while a govd runs on it, `conflict` when something is in it, `usage`
 */
export async function requireEmptyTarget(folder: string): Promise<'new' | 'empty'> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'new';
    throw new Problem('usage', {
      detail: `${folder} cannot be a state folder: ${code === 'ENOTDIR' ? 'it is a file' : message}`,
      hint: 'name a new or empty folder with --state-dir',
      cause,
    });
  }
  if (names.length === 0) return 'empty';
  if (await answers(join(folder, 'govd.sock')))
    throw new Problem('locked', {
      detail: `a govd runs on ${folder}: nothing is restored over it`,
      hint: 'restore into another folder with --state-dir, or stop that govd and move its folder away',
    });
  const interrupted = names.length === 1 && names[0] === restoreDraft;
  throw new Problem('conflict', {
    detail: interrupted ? `a restore into ${folder} is under way, or was killed` : `${folder} is not empty: nothing is restored over it`,
    hint: interrupted ? `when none runs: rm -r ${join(folder, restoreDraft)}` : 'name a new or empty folder with --state-dir',
  });
}

/** Makes the target, and the place in it that is written to; answers how to leave as if nothing had been. */
export async function openTarget(folder: string): Promise<{ readonly draft: string; leave(): Promise<void> }> {
  const was = await requireEmptyTarget(folder);
  const draft = join(folder, restoreDraft);
  try {
    if (was === 'new') await mkdir(folder, { mode: 0o700 });
    await mkdir(draft, { mode: 0o700 });
  } catch (cause) {
    // Somebody else began meanwhile: what they made is told as what it is.
    await requireEmptyTarget(folder);
    throw new Problem('usage', {
      detail: `${folder} cannot be made: ${(cause as Error).message}`,
      hint: `ls -ld ${dirname(folder)}`,
      cause,
    });
  }
  return { draft, leave: async () => (was === 'new' ? await rmdir(folder) : undefined) };
}

/** Free bytes where the target is, or would be. */
export async function freeBytes(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || at === dirname(at)) return Number.POSITIVE_INFINITY;
    }
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
