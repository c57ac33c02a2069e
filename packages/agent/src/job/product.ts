import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isProblem } from '@govctl/core/api';
import { digestOf, digestStream } from '@govctl/core/evidence';
import { type JobOutput, type JobRun, type JobStepRow, manifestRows, type OutputSnapshot, runManifest } from '@govctl/core/job';
import { encodeManifest, type ManifestFile, snapshotIdOf, totalBytes } from '@govctl/core/promotion';
import { type ObjectStore, oneChunk } from '../object/index.ts';
import { FolderFault, leftByStep } from './folder-fault.ts';
import { type Patience, patiently } from './patience.ts';

type OutputFolder = { readonly outputs: string };

/** Manifest and outputs become objects before anybody judges them: from here on the folder is not needed any more. */
export async function storeProduct(
  deps: Patience & { readonly objects: ObjectStore },
  { row, file }: JobRun,
  steps: readonly JobStepRow[],
  folder: OutputFolder,
): Promise<{ readonly manifest_digest: string; readonly outputs: readonly OutputSnapshot[] }> {
  const manifest = manifestRows(steps);
  const bytes = runManifest(row.run_id, file.workspace, manifest);
  const manifest_digest = digestOf(bytes);
  await patiently(() => deps.objects.put(manifest_digest, oneChunk(bytes)), deps);
  const outputs: OutputSnapshot[] = [];
  for (const output of file.outputs) {
    const stored = await patiently(() => storeOutput(folder, output, row.tenant_id, deps.objects), deps);
    if (stored !== null) outputs.push(stored);
    // A step that was skipped may have been the one that writes it.
    else if (manifest.every(({ status }) => status === 'success'))
      throw new FolderFault(`output ${output.name} is empty: no step wrote it`);
  }
  return { manifest_digest, outputs };
}

/** Stores what an output holds; null where it holds nothing. @throws FolderFault for what no snapshot can hold */
async function storeOutput(
  folder: OutputFolder,
  output: JobOutput,
  tenant_id: string,
  objects: ObjectStore,
): Promise<OutputSnapshot | null> {
  const { name, dataset_id, layer } = output;
  const files = await leftByStep(`output ${name}`, () => storeFiles(join(folder.outputs, name), name, objects));
  if (files.length === 0) return null;
  const { manifest, bytes, snapshot_hash } = snapshotManifest(name, dataset_id, files);
  await objects.put(snapshot_hash, oneChunk(bytes));
  const snapshot_id = snapshotIdOf({ tenant_id, dataset_id, layer, snapshot_hash });
  return { name, dataset_id, layer, snapshot_id, snapshot_hash, file_count: files.length, total_bytes: totalBytes(manifest) };
}

/** What cannot be a snapshot now will not be one later: the store is not to blame. */
function snapshotManifest(name: string, dataset_id: string, files: readonly ManifestFile[]): ReturnType<typeof encodeManifest> {
  try {
    return encodeManifest({ dataset_id, files });
  } catch (error) {
    if (!isProblem(error)) throw error;
    const why = error.reasons?.[0]?.message ?? error.message;
    throw new FolderFault(`output ${name} cannot be a snapshot: ${why}`);
  }
}

async function storeFiles(root: string, name: string, objects: ObjectStore): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for await (const path of filesOf(root, name)) {
    const state = digestStream();
    let size = 0;
    for await (const chunk of createReadStream(path)) {
      state.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
    const digest = state.digest();
    await objects.put(digest, createReadStream(path) as AsyncIterable<Uint8Array>);
    files.push({ path: relative(root, path), size, sha256: digest.slice('sha256:'.length) });
  }
  return files;
}

async function* filesOf(folder: string, name: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesOf(path, name);
    else if (entry.isFile()) yield path;
    else throw new FolderFault(`output ${name}: ${entry.name} is neither a file nor a folder`);
  }
}
