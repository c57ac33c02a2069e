import { lstat, open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { detectInput, type GateInputFact, headBytes, type JobFile, type JobInput } from '@govctl/core/job';
import type { RunFolder } from './folder.ts';

/** Files of an input that are looked at; what comes after them tells nothing new of its kind. */
export const maxInputFiles = 256;

/** A file of an input: its first bytes, and how many it has. */
export type InputFile = { readonly path: string; readonly head: () => Promise<{ readonly bytes: Uint8Array; readonly size: number }> };

/** What an input is, by the first bytes of its files: names are not asked. A run and a dry run look alike. */
export async function inputFact({ name, dataset_id, snapshot_id }: JobInput, files: readonly InputFile[]): Promise<GateInputFact> {
  const seen = [];
  for (const { path, head } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)).slice(0, maxInputFiles)) {
    const { bytes, size } = await head();
    seen.push({ path, detection: detectInput(bytes, size) });
  }
  return { name, dataset_id, snapshot_id, files: seen };
}

/** What each pinned input of a run is, by its copy. */
export async function detectInputs(folder: RunFolder, { inputs }: JobFile): Promise<GateInputFact[]> {
  const found: GateInputFact[] = [];
  for (const input of inputs) {
    const root = join(folder.inputs, input.name);
    const files = (await filesOf(root)).map((path) => ({ path: relative(root, path), head: () => headOfFile(path) }));
    found.push(await inputFact(input, files));
  }
  return found;
}

async function headOfFile(path: string) {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, headBytes));
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return { bytes: head.subarray(0, bytesRead), size };
  } finally {
    await handle.close();
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const about = await lstat(path);
    if (about.isDirectory()) paths.push(...(await filesOf(path)));
    else if (about.isFile()) paths.push(path);
  }
  return paths;
}
