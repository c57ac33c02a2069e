import { isUtf8 } from 'node:buffer';
import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem, type ProblemReason } from '@govctl/core/api';
import { maxManifestFiles, pathRefusal } from '@govctl/core/promotion';

/** A file as it was found; the mark changes when anything about it does. */
export type FoundFile = { readonly path: string; readonly place: string; readonly size: number; readonly mark: string };

export type FoundFolder = { readonly files: readonly FoundFile[]; readonly empty_folders: readonly string[] };

const toldReasons = 20;

export function markOf(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join('.');
}

/**
 * Every file under a folder. Refuses what a snapshot cannot hold, and names it: symbolic links (they could lead anywhere), pipes, sockets
 * and devices, names that are not UTF-8 or not safe as a path elsewhere, and a folder without files.
 *
 * @throws Problem `usage`, `unprocessable`
 */
export async function findFiles(root: string, signal: AbortSignal): Promise<FoundFolder> {
  await requireFolder(root);
  const files: FoundFile[] = [];
  const empty: string[] = [];
  const refused: ProblemReason[] = [];
  const refuse = (path: string, message: string) => {
    if (refused.length < toldReasons) refused.push({ path, message });
  };

  const visit = async (folder: string, prefix: string): Promise<void> => {
    signal.throwIfAborted();
    const entries: Dirent<Buffer>[] = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
    if (entries.length === 0 && prefix !== '') empty.push(prefix.slice(0, -1));
    for (const entry of entries) {
      const name = entry.name.toString('utf8');
      const path = `${prefix}${name}`;
      const place = join(folder, name);
      if (!isUtf8(entry.name)) refuse(path, 'the name is not UTF-8');
      else if (entry.isSymbolicLink()) refuse(path, 'is a symbolic link');
      else if (entry.isDirectory()) await visit(place, `${path}/`);
      else if (!entry.isFile()) refuse(path, 'is neither a file nor a folder');
      else {
        const refusal = pathRefusal(path);
        if (refusal !== null) refuse(path, refusal);
        const stats = await lstat(place, { bigint: true });
        files.push({ path, place, size: Number(stats.size), mark: markOf(stats) });
        if (files.length > maxManifestFiles) throw tooMany();
      }
    }
  };

  try {
    await visit(root, '');
  } catch (error) {
    signal.throwIfAborted();
    throw asProblem(error);
  }
  const [first] = refused;
  if (first !== undefined) {
    throw new Problem('unprocessable', {
      detail: `${root} cannot be a snapshot: ${JSON.stringify(first.path)} ${first.message}${refused.length > 1 ? ` (and ${refused.length - 1} more)` : ''}`,
      hint: 'a snapshot holds plain files: replace links by what they point to, rename or remove the rest',
      reasons: refused,
    });
  }
  if (files.length === 0) {
    throw new Problem('unprocessable', {
      detail: `${root} has no files: there is nothing to snapshot`,
      hint: 'name the folder that holds the data',
    });
  }
  return { files, empty_folders: empty };
}

async function requireFolder(root: string): Promise<void> {
  try {
    if ((await stat(root)).isDirectory()) return;
  } catch (cause) {
    throw new Problem('usage', {
      detail: `${root} cannot be read: ${reasonOf(cause)}`,
      hint: 'govctl snapshot create DIR --dataset DATASET',
      cause,
    });
  }
  throw new Problem('usage', { detail: `${root} is not a folder`, hint: 'put the file into a folder of its own and name that' });
}

function tooMany(): Problem {
  return new Problem('unprocessable', {
    detail: `more than ${maxManifestFiles} files: a snapshot has at most so many`,
    hint: 'pack small files into larger ones, or split the dataset',
  });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return { ENOENT: 'it is not there', EACCES: 'permission denied', ELOOP: 'too many symbolic links' }[code ?? ''] ?? message;
}

function asProblem(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || path === undefined) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') return changed(String(path), 'it went away');
  return new Problem('io', { detail: `${String(path)} cannot be read: ${reasonOf(error)}`, hint: 'check its permissions', cause: error });
}

/** The snapshot would be of no moment there ever was. */
export function changed(path: string, how: string): Problem {
  return new Problem('conflict', {
    detail: `${path} changed while the snapshot was made: ${how}. Nothing was registered`,
    hint: 'stop whatever writes there, or snapshot a copy; then run the command again',
  });
}

/**
 * The folder is still as it was found.
 * @throws Problem `conflict` that names the first file that is not.
 */
export async function requireUnchanged(root: string, found: FoundFolder, signal: AbortSignal): Promise<void> {
  const now = new Map((await findFiles(root, signal)).files.map((file) => [file.path, file.mark]));
  for (const { path, mark } of found.files) {
    const current = now.get(path);
    if (current === undefined) throw changed(path, 'it went away');
    if (current !== mark) throw changed(path, 'it was written to');
    now.delete(path);
  }
  const [added] = now.keys();
  if (added !== undefined) throw changed(added, 'it is new');
}
