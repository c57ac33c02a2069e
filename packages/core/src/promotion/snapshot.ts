import { hash } from 'node:crypto';
import { z } from 'zod';
import { digestSchema, type Layer, nameSchema } from '../api/common.ts';
import { pathText, readAs } from '../api/fault.ts';
import { isProblem, Problem, type ProblemReason } from '../api/problem.ts';
import { parseStrictJson } from '../api/strict-json.ts';
import { type Digest, digestOf } from '../evidence/digest.ts';
import { canonicalJson } from '../evidence/jcs.ts';
import { comparePaths, pathRefusal } from './snapshot-path.ts';

/** A manifest is read whole: so many files, and so many bytes of canonical JSON, at most. */
export const maxManifestFiles = 100_000;
export const maxManifestBytes = 32 * 1024 * 1024;
const maxSchemaBytes = 256 * 1024;

const pathSchema = z.string().superRefine((path, context) => {
  const refusal = pathRefusal(path);
  if (refusal !== null) context.addIssue({ code: 'custom', message: `the path ${refusal}` });
});

const manifestFileSchema = z.strictObject({
  path: pathSchema,
  /** Bytes. */
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256: 64 lower-case hex digits'),
});

/**
 * What a snapshot is: the files of a dataset by path, size and digest, in the order of the UTF-8 bytes of their paths. Closed, and
 * nothing in it says when or by whom: equal content has an equal manifest, and so an equal hash, everywhere.
 */
export const manifestSchema = z
  .strictObject({
    dataset_id: nameSchema,
    files: z.array(manifestFileSchema).min(1, 'a snapshot has at least one file').max(maxManifestFiles),
    /** What the dataset says its columns are; free in form, judged by contracts and policies. */
    schema: z.record(z.string(), z.json()).optional(),
  })
  .superRefine((manifest, context) => {
    for (const { path, message } of conflicts(manifest.files)) context.addIssue({ code: 'custom', path: ['files', path], message });
    if (manifest.schema !== undefined && Buffer.byteLength(JSON.stringify(manifest.schema)) > maxSchemaBytes) {
      context.addIssue({ code: 'custom', path: ['schema'], message: `longer than ${maxSchemaBytes} bytes` });
    }
  });

export type ManifestFile = z.infer<typeof manifestFileSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

/** Files that cannot stand in one folder, or not in this order. */
function* conflicts(files: readonly ManifestFile[]): Generator<{ path: number; message: string }> {
  const paths = new Set<string>();
  const sizes = new Map<string, number>();
  let total = 0;
  let previous: string | undefined;
  for (const [index, { path, size, sha256 }] of files.entries()) {
    if (previous !== undefined && comparePaths(previous, path) >= 0) {
      yield {
        path: index,
        message: previous === path ? `'${path}' is there twice` : 'files are not sorted by the UTF-8 bytes of their paths',
      };
    }
    if ((sizes.get(sha256) ?? size) !== size) yield { path: index, message: `'${path}' has the digest of a file of another size` };
    sizes.set(sha256, size);
    previous = path;
    paths.add(path);
    total += size;
  }
  if (!Number.isSafeInteger(total)) yield { path: 0, message: 'the sizes together are beyond 2^53 bytes' };
  for (const [index, { path }] of files.entries()) {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      if (paths.has(path.slice(0, slash))) yield { path: index, message: `'${path.slice(0, slash)}' is a file and a folder` };
    }
  }
}

/** A manifest as it is stored and hashed: the bytes are an object whose digest is the snapshot's hash. */
export type EncodedManifest = { readonly manifest: Manifest; readonly bytes: Uint8Array; readonly snapshot_hash: Digest };

/**
 * Sorts the files, checks all rules and fixes the hash: `snapshot_hash = "sha256:" + hex(SHA-256(JCS(manifest)))`.
 *
 * @example encodeManifest({ dataset_id: 'orders', files: [{ path: 'a.csv', size: 3, sha256: '...' }] }).snapshot_hash
 * @throws Problem `unprocessable` that names every offending path.
 */
export function encodeManifest(input: {
  dataset_id: string;
  files: readonly ManifestFile[];
  schema?: Manifest['schema'] | undefined;
}): EncodedManifest {
  const { dataset_id, schema } = input;
  const files = [...input.files].sort((a, b) => comparePaths(a.path, b.path));
  const manifest = checked({ dataset_id, files, ...(schema === undefined ? {} : { schema }) });
  const bytes = Buffer.from(canonicalJson(manifest));
  if (bytes.byteLength > maxManifestBytes) throw tooLarge(bytes.byteLength);
  return { manifest, bytes, snapshot_hash: digestOf(bytes) };
}

/**
 * Reads manifest bytes that somebody else made. They must have the digest they are asked for by, obey every rule and be exactly the
 * canonical form: one content, one hash.
 *
 * @throws Problem `digest-mismatch`, `payload-too-large` or `unprocessable`
 */
export function decodeManifest(bytes: Uint8Array, snapshotHash: Digest): Manifest {
  if (bytes.byteLength > maxManifestBytes) throw tooLarge(bytes.byteLength);
  const actual = digestOf(bytes);
  if (actual !== snapshotHash)
    throw new Problem('digest-mismatch', { detail: `the manifest has the digest ${actual}, not ${snapshotHash}` });
  const manifest = checked(parsed(bytes));
  if (!Buffer.from(canonicalJson(manifest)).equals(bytes)) {
    throw new Problem('unprocessable', {
      detail: 'the manifest is not in canonical form (RFC 8785)',
      hint: 'store the JCS bytes, as this does: govctl snapshot create DIR --dataset DATASET',
    });
  }
  return manifest;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, { maxBytes: maxManifestBytes });
  } catch (error) {
    if (!isProblem(error)) throw error;
    throw new Problem('unprocessable', { detail: `the manifest is not JSON: ${error.message}`, cause: error });
  }
}

const toldFaults = 20;

function checked(value: unknown): Manifest {
  const read = readAs(manifestSchema, value);
  if (read.ok) return read.value;
  const reasons = read.faults.slice(0, toldFaults).map(({ path, message }): ProblemReason => {
    const [folder, index] = path;
    const file = folder === 'files' && typeof index === 'number' ? pathAt(value, index) : undefined;
    return { path: file ?? pathText(path), message };
  });
  const more = read.faults.length - 1;
  const first = reasons[0];
  throw new Problem('unprocessable', {
    detail: `this is not a snapshot: ${first === undefined ? '' : `${JSON.stringify(first.path)}: ${first.message}`}${more > 0 ? ` (and ${more} more)` : ''}`,
    reasons,
  });
}

function pathAt(value: unknown, index: number): string | undefined {
  const files = (value as { files?: unknown }).files;
  const file: unknown = Array.isArray(files) ? files[index] : undefined;
  const path: unknown = typeof file === 'object' && file !== null && 'path' in file ? file.path : undefined;
  return typeof path === 'string' ? path.slice(0, 256) : undefined;
}

function tooLarge(size: number): Problem {
  return new Problem('payload-too-large', {
    detail: `the manifest has ${size} bytes; the limit is ${maxManifestBytes}`,
    hint: 'pack many small files into fewer, or split the dataset',
  });
}

/** Each digest a snapshot needs, once, with the size its object must have. */
export function manifestObjects(manifest: Manifest): Map<Digest, number> {
  return new Map(manifest.files.map(({ sha256, size }) => [`sha256:${sha256}`, size]));
}

export function totalBytes(manifest: Manifest): number {
  return manifest.files.reduce((sum, file) => sum + file.size, 0);
}

export type SnapshotIdentity = {
  readonly tenant_id: string;
  readonly dataset_id: string;
  readonly layer: Layer;
  readonly snapshot_hash: Digest;
};

/**
 * The id of a registration, derived from what is registered: whoever registers the same content for the same tenant, dataset and
 * layer again, however often and from wherever, gets the same snapshot. 96 bits; a row that is there is compared whole.
 */
export function snapshotIdOf({ tenant_id, dataset_id, layer, snapshot_hash }: SnapshotIdentity): string {
  return `snap-${hash('sha256', canonicalJson({ tenant_id, dataset_id, layer, snapshot_hash: digestSchema.parse(snapshot_hash) }), 'hex').slice(0, 24)}`;
}
