import { chmod, lstat, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestStream } from '@govctl/core/evidence';
import { type JobFile, variableOf } from '@govctl/core/job';
import type { ObjectStore } from '../object/index.ts';
import { readManifest } from '../snapshot/presence.ts';
import { ensureFolder, FolderFault } from './folder-fault.ts';
import { type PinnedFile, PinnedInputs } from './pinned.ts';

/** The folder of a run: inputs, outputs, signals, and where the steps work. */
export type RunFolder = {
  readonly root: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly signals: string;
  readonly work: string;
};

export function runFolder(runs: string, run_id: string): RunFolder {
  const root = join(runs, run_id);
  return { root, inputs: join(root, 'inputs'), outputs: join(root, 'outputs'), signals: join(root, 'signals'), work: join(root, 'work') };
}

export async function folderExists({ root }: RunFolder): Promise<boolean> {
  return await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Makes the folder, with a verified copy of every input in it and nothing beside them, whatever was there.
 * @throws FolderFault where an input is not what was pinned
 */
export async function prepareFolder(folder: RunFolder, file: JobFile, objects: ObjectStore, signal: AbortSignal): Promise<PinnedInputs> {
  const pinned: PinnedFile[] = [];
  await removeTree(folder.inputs);
  const outputs = file.outputs.map(({ name }) => join(folder.outputs, name));
  for (const path of [folder.work, folder.inputs, folder.signals, ...outputs]) await ensureFolder(path);
  for (const { name, snapshot_id, snapshot_hash } of file.inputs) {
    const manifest = await readManifest(objects, snapshot_hash);
    if (manifest === null) throw new FolderFault(`input ${name}: the manifest of ${snapshot_id} is not stored any more`);
    const target = join(folder.inputs, name);
    for (const { path, sha256 } of manifest.files) {
      signal.throwIfAborted();
      const copy = { path: join(target, path), digest: `sha256:${sha256}` as const };
      await copyVerified(objects, copy.digest, copy.path, `input ${name}: ${path}`);
      pinned.push(copy);
    }
    await mkdir(target, { recursive: true, mode: 0o700 });
  }
  return await PinnedInputs.of(folder.inputs, pinned);
}

async function copyVerified(objects: ObjectStore, digest: Digest, target: string, what: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const source = await objects.read(digest);
  if (source === null) throw new FolderFault(`${what} is not stored any more`);
  await rm(target, { force: true });
  const handle = await open(target, 'wx', 0o400);
  const state = digestStream();
  try {
    for await (const chunk of source) {
      const bytes = chunk as Buffer;
      state.update(bytes);
      for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
    }
  } finally {
    await handle.close();
  }
  if (state.digest() !== digest) throw new FolderFault(`${what} is not what was pinned: its bytes have another digest`);
}

/** What every step has in its environment, and what this job adds. */
export function stepVariables(folder: RunFolder, file: JobFile, run_id: string): Record<string, string> {
  const named = (prefix: string, root: string, list: readonly { readonly name: string }[]) =>
    Object.fromEntries(list.map(({ name }) => [`${prefix}${variableOf(name)}`, join(root, name)]));
  return {
    HOME: folder.work,
    TMPDIR: folder.work,
    GOVCTL_RUN_ID: run_id,
    GOVCTL_WORKSPACE: file.workspace,
    GOVCTL_LABEL_ASOF: file.label_asof,
    GOVCTL_SIGNALS: folder.signals,
    ...named('GOVCTL_INPUT_', folder.inputs, file.inputs),
    ...named('GOVCTL_OUTPUT_', folder.outputs, file.outputs),
  };
}

/** Removes the folder, also where steps took away their own rights. */
export async function removeFolder({ root }: RunFolder): Promise<void> {
  await removeTree(root);
}

async function removeTree(root: string): Promise<void> {
  await rm(root, { recursive: true, force: true }).catch(async () => {
    await openUp(root);
    await rm(root, { recursive: true, force: true });
  });
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) if (entry.isDirectory()) await openUp(join(folder, entry.name));
}

/** Why a step must end for the sake of the disk, or null. */
export function diskWatch(
  folder: RunFolder,
  limits: { readonly bytes: number; readonly free_bytes: number },
): (over: boolean) => Promise<string | null> {
  let round = 0;
  return async (over) => {
    const { bavail, bsize } = await statfs(folder.root);
    if (!over && bavail * bsize < limits.free_bytes) return `the disk has less than ${limits.free_bytes} bytes left`;
    round += 1;
    // Looking at every file is dear: seldom, after the first rounds, and at the end.
    if (!over && round % 4 !== 0) return null;
    const used = await bytesOf(folder.root, limits.bytes);
    return used > limits.bytes ? `its folder holds more than ${limits.bytes} bytes` : null;
  };
}

/** Bytes on disk under a folder; no more is looked at once they are too many. */
async function bytesOf(folder: string, enough: number): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (bytes > enough) return bytes;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await bytesOf(path, enough - bytes);
    else
      bytes += await lstat(path).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
  }
  return bytes;
}
