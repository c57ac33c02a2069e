import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { faultText, readAs } from '../api/fault.ts';
import { isProblem, Problem } from '../api/problem.ts';
import { parseStrictJson } from '../api/strict-json.ts';
import { digestOf } from '../evidence/digest.ts';
import { loadTrust, type TrustRoot } from '../evidence/trust.ts';
import { openLogCheckpoint, verifyEvidence } from '../evidence/verify.ts';
import {
  type BackupHeader,
  type BackupManifest,
  backupEvidenceFile,
  backupFiles,
  backupFormat,
  backupHeaderFile,
  backupHeaderSchema,
  backupManifestFile,
  backupManifestSchema,
  backupSecretFiles,
  digestOfObjectFile,
  objectLine,
} from './manifest.ts';
import { cutShort, damaged, notAnArchive, readTar, type TarEntry } from './tar.ts';

const keptLimit = 16 * 1024 * 1024;

export type ExaminedBackup = {
  readonly header: BackupHeader;
  readonly manifest: BackupManifest;
  readonly manifest_digest: string;
  /** Record of the backup in the log it was made from. */
  readonly evidence_ref: string;
  /** The root inside it. */
  readonly trust: TrustRoot;
  /** Whose word counted: a pinned root, or the one inside, which only shows that the parts belong together. */
  readonly trusted_by: 'pinned' | 'backup';
  readonly private_keys: readonly string[];
};

export type ExamineOptions = {
  /** The root that counts for a log of this name. Without one, a backup can only be shown to be whole and of one piece. */
  readonly trust?: (origin: string) => TrustRoot | undefined;
  /** Takes each file as it passes; what it does not read is read for it. What it took is worth nothing before the whole was examined. */
  readonly take?: (entry: TarEntry) => Promise<void>;
  readonly onBytes?: (total: number) => void;
};

/**
 * Reads a backup from its first byte to its last and believes none of it: every file against its digest in the manifest, every object
 * against its name, the manifest against its record, the record and the head of the log against the trust root.
 *
 * @throws Problem `usage` for what is no backup or of a newer format, `integrity` for what is cut short, changed, or of other keys
 */
export async function examineBackup(chunks: AsyncIterable<Uint8Array>, options: ExamineOptions = {}): Promise<ExaminedBackup> {
  const seen = new Map<string, { readonly size: number; readonly sha256: string }>();
  const kept = new Map<string, Buffer>();
  const odd: string[] = [];
  const list = createHash('sha256');
  const objects = { count: 0, bytes: 0 };
  let header: BackupHeader | undefined;
  let total = 0;
  let last = '';
  for await (const entry of readTar(chunks)) {
    const { name, size } = entry;
    const hash = createHash('sha256');
    const parts: Uint8Array[] = [];
    const keep = keeps(name);
    if (keep && size > keptLimit) throw damaged(`${name} has ${size} bytes`);
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for await (const bytes of entry.body) {
        hash.update(bytes);
        if (keep) parts.push(Buffer.from(bytes));
        total += bytes.byteLength;
        options.onBytes?.(total);
        yield bytes;
      }
    };
    if (header === undefined && name !== backupHeaderFile) throw notAnArchive();
    if (last === backupEvidenceFile) throw damaged(`${shown(name)} stands behind its end`);
    const watched = body();
    if (header === undefined) {
      // Known by name and format before anything of it is kept.
      for await (const _ of watched);
      header = headerIn(Buffer.concat(parts));
      await options.take?.({ name, size, body: one(Buffer.concat(parts)) });
    } else {
      await options.take?.({ name, size, body: watched });
      for await (const _ of watched);
    }
    const sha256 = hash.digest('hex');
    const digest = digestOfObjectFile(name);
    if (digest !== undefined) {
      if (name <= last && digestOfObjectFile(last) !== undefined) throw damaged(`${name} is not in its place`);
      objects.count += 1;
      objects.bytes += size;
      list.update(objectLine(digest, size));
      if (sha256 !== digest) odd.push(digest);
    } else {
      if (!known(name) || seen.has(name)) throw damaged(`it has a file ${shown(name)} that no backup has there`);
      seen.set(name, { size, sha256 });
      if (keep) kept.set(name, Buffer.concat(parts));
    }
    last = name;
  }
  if (header === undefined) throw notAnArchive();
  if (last !== backupEvidenceFile) throw cutShort();
  const bytes = kept.get(backupManifestFile);
  if (bytes === undefined) throw damaged('it has no manifest');
  const manifest = manifestIn(bytes);
  requireSame(manifest, header, seen, { ...objects, digest: `sha256:${list.digest('hex')}` }, odd);
  const own = trustIn(kept.get('trust.json'));
  const pinned = options.trust?.(header.origin);
  const trust = pinned ?? own;
  const manifest_digest = digestOf(bytes);
  const evidence_ref = requireRecorded(kept.get(backupEvidenceFile), manifest, manifest_digest, trust);
  requireHead(manifest, trust);
  const private_keys = backupSecretFiles.filter((name) => kept.has(name));
  for (const name of private_keys) requireOwnKey(name, kept.get(name) ?? Buffer.alloc(0), own);
  return {
    header,
    manifest,
    manifest_digest,
    evidence_ref,
    trust: own,
    trusted_by: pinned === undefined ? 'backup' : 'pinned',
    private_keys,
  };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const ends: readonly string[] = [backupHeaderFile, backupManifestFile, backupEvidenceFile];
const secrets: readonly string[] = backupSecretFiles;

function known(name: string): boolean {
  return ends.includes(name) || secrets.includes(name) || (backupFiles as readonly string[]).includes(name);
}

/** What is read as a whole once it is there; everything else only passes. */
function keeps(name: string): boolean {
  return ends.includes(name) || secrets.includes(name) || name === 'trust.json';
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function parsed(bytes: Uint8Array | undefined, what: string): unknown {
  if (bytes === undefined) throw damaged(`it has no ${what}`);
  try {
    return parseStrictJson(bytes, { maxBytes: keptLimit });
  } catch (error) {
    if (!isProblem(error)) throw error;
    throw damaged(`its ${what} cannot be read: ${error.message}`);
  }
}

function headerIn(bytes: Uint8Array): BackupHeader {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch {
    throw notAnArchive();
  }
  const newer = z.looseObject({ kind: z.literal('BackupHeader'), format: z.int().min(backupFormat + 1) }).safeParse(value);
  if (newer.success) {
    throw new Problem('usage', {
      detail: `the backup has format ${newer.data.format}, and this govctl reads format ${backupFormat}: a newer one made it`,
      hint: 'upgrade govctl and govd to the release that made it, or a later one',
    });
  }
  const header = backupHeaderSchema.safeParse(value);
  if (!header.success) throw notAnArchive();
  return header.data;
}

function manifestIn(bytes: Uint8Array): BackupManifest {
  const result = readAs(backupManifestSchema, parsed(bytes, backupManifestFile));
  if (!result.ok) throw damaged(`its manifest is none: ${faultText(result.faults)}`);
  return result.value;
}

function trustIn(bytes: Uint8Array | undefined): TrustRoot {
  try {
    return loadTrust(parsed(bytes, 'trust.json'));
  } catch (error) {
    throw isProblem(error) && error.code === 'untrusted-keys' ? damaged(error.message) : error;
  }
}

/** What came against what the manifest says came. */
function requireSame(
  manifest: BackupManifest,
  header: BackupHeader,
  seen: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>,
  objects: BackupManifest['objects'],
  odd: readonly string[],
): void {
  if (manifest.backup_id !== header.backup_id || manifest.created_at !== header.created_at || manifest.log.origin !== header.origin)
    throw damaged('its header is of another backup than its manifest');
  const said = new Map(manifest.files.map((file) => [file.name, file]));
  for (const [name, { size, sha256 }] of seen) {
    if (ends.includes(name) || secrets.includes(name)) continue;
    const file = said.get(name);
    if (file === undefined || file.size !== size || file.sha256 !== sha256) throw damaged(`${name} is not what the manifest says`);
    said.delete(name);
  }
  const [missing] = said.keys();
  if (missing !== undefined) throw damaged(`${missing} is missing`);
  const { count, bytes, digest } = manifest.objects;
  if (objects.count !== count || objects.bytes !== bytes || objects.digest !== digest)
    throw damaged(`it has ${objects.count} objects of ${objects.bytes} bytes, and the manifest says other ones`);
  const admitted = new Set(manifest.lacks.items);
  const changed = odd.find((hex) => !admitted.has(`sha256:${hex}`));
  if (changed !== undefined && (manifest.lacks.count <= manifest.lacks.items.length || odd.length > manifest.lacks.count))
    throw damaged(`the object sha256:${changed} does not have its digest`);
}

function requireRecorded(bytes: Uint8Array | undefined, manifest: BackupManifest, digest: string, trust: TrustRoot): string {
  if (trust.origin !== manifest.log.origin)
    throw foreign(`it is of the log ${manifest.log.origin}, and the pinned keys are of ${trust.origin}`);
  const { verified, checks, record } = verifyEvidence(parsed(bytes, backupEvidenceFile), trust, { subject: digest });
  if (!verified || record === undefined) {
    const why = checks.find(({ ok }) => !ok);
    throw foreign(`the record of its manifest does not verify (${why?.name ?? '?'}: ${why?.detail ?? ''})`);
  }
  const { kind, predicate } = record.statement;
  if (kind !== 'governance-fact' || predicate.fact !== 'backup.create' || predicate.digest !== digest)
    throw damaged('the record in it is not that of its manifest');
  return record.ref;
}

function requireHead({ log }: BackupManifest, trust: TrustRoot): void {
  const head = openLogCheckpoint(log.checkpoint, trust);
  if (head.size !== log.size || Buffer.from(head.root).toString('hex') !== log.root)
    throw damaged('the checkpoint in its manifest is of another head');
}

/** Private keys are not in the manifest: they prove themselves by the public halves that verifiers pinned. */
function requireOwnKey(name: string, bytes: Buffer, trust: TrustRoot): void {
  if (name === 'keys/operator.apikey') {
    if (!/^govk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}\s*$/.test(bytes.toString('latin1'))) throw damaged(`${name} is no API key`);
    return;
  }
  if (!isKeyOf(name.slice('keys/'.length, -'.key'.length), bytes, trust)) throw damaged(`${name} is not a key of this deployment`);
}

/** Whether a private key is the one whose public half the root has for this purpose. */
export function isKeyOf(purpose: string, pem: Uint8Array, trust: TrustRoot): boolean {
  try {
    const spki = createPublicKey(createPrivateKey(Buffer.from(pem))).export({ type: 'spki', format: 'der' });
    return trust.keys.some((key) => key.purpose === purpose && Buffer.compare(Buffer.from(key.spki), spki) === 0);
  } catch {
    return false;
  }
}

function foreign(why: string): Problem {
  return new Problem('integrity', {
    detail: `the backup is not of the deployment whose keys count here: ${why}`,
    hint: 'the trust root of the deployment that made it is needed: govctl backup inspect FILE --trust trust.json',
  });
}
