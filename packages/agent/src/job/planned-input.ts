import { isProblem } from '@govctl/core/api';
import { type GateInputFact, headBytes, type JobInput } from '@govctl/core/job';
import type { ManifestFile } from '@govctl/core/promotion';
import type { ObjectStore } from '../object/index.ts';
import { readManifest } from '../snapshot/presence.ts';
import { inputFact, maxInputFiles } from './input.ts';

/** A dry run is asked often and holds up others: it looks at the first bytes of so many files, and reads no longer lists of files. */
const maxPlannedFiles = 512;
const maxListedFiles = 20_000;

/** An input of a dry run: what it was found to be, or why nobody looked. */
export type PlannedInput = { readonly input: JobInput } & (
  | { readonly fact: GateInputFact; readonly files: number }
  | { readonly fact: null; readonly files: number | null; readonly why: string }
);

/**
 * Looks into pinned data where it is stored, as a run looks into its copy of it.
 *
 * @param files how many files an input has; null where it cannot be used, or is not for this actor to see
 */
export async function lookIntoInputs(
  objects: ObjectStore,
  inputs: readonly { readonly input: JobInput; readonly files: number | null }[],
): Promise<PlannedInput[]> {
  const found: PlannedInput[] = [];
  let left = maxPlannedFiles;
  for (const { input, files } of inputs) {
    const why =
      files === null
        ? 'it cannot be used'
        : files > maxListedFiles
          ? `a dry run looks into inputs of at most ${maxListedFiles} files`
          : Math.min(files, maxInputFiles) > left
            ? `a dry run looks at ${maxPlannedFiles} files, and those of other inputs came first`
            : null;
    if (why !== null || files === null) found.push({ input, fact: null, files, why: why ?? '' });
    else {
      const seen = await look(objects, input);
      if (typeof seen !== 'string') left -= seen.files.length;
      found.push(typeof seen === 'string' ? { input, fact: null, files, why: seen } : { input, fact: seen, files });
    }
  }
  return found;
}

/** What an input is, or why that cannot be told: what is stored may be gone or damaged. */
async function look(objects: ObjectStore, input: JobInput): Promise<GateInputFact | string> {
  try {
    const manifest = await readManifest(objects, input.snapshot_hash as `sha256:${string}`);
    if (manifest === null) return `the manifest of ${input.snapshot_id} is not stored any more`;
    return await inputFact(
      input,
      manifest.files.map((file) => ({ path: file.path, head: () => headOfObject(objects, file) })),
    );
  } catch (error) {
    if (error instanceof NotStored || isProblem(error)) return error.message;
    throw error;
  }
}

class NotStored extends Error {}

async function headOfObject(objects: ObjectStore, { path, sha256, size }: ManifestFile) {
  const source = await objects.read(`sha256:${sha256}`);
  if (source === null) throw new NotStored(`${path} is not stored any more`);
  const parts: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop closes the stream.
  for await (const chunk of source) {
    parts.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes >= headBytes) break;
  }
  return { bytes: Buffer.concat(parts).subarray(0, headBytes), size };
}
