import { lstat, open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { detectInput, type GateInputFact, headBytes, type JobFile } from '@govctl/core/job';
import type { RunFolder } from './folder.ts';

/** Files of an input that are looked at; what comes after them tells nothing new of its kind. */
const maxFiles = 256;

/** What each pinned input is, by the first bytes of its files: names are not asked. */
export async function detectInputs(folder: RunFolder, { inputs }: JobFile): Promise<GateInputFact[]> {
  const found: GateInputFact[] = [];
  for (const { name, dataset_id, snapshot_id } of inputs) {
    const root = join(folder.inputs, name);
    const paths = (await filesOf(root)).sort().slice(0, maxFiles);
    const files = [];
    for (const path of paths) files.push({ path: relative(root, path), detection: await detectFile(path) });
    found.push({ name, dataset_id, snapshot_id, files });
  }
  return found;
}

async function detectFile(path: string) {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, headBytes));
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return detectInput(head.subarray(0, bytesRead), size);
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
