import { z } from 'zod';
import { digestSchema, document, nameSchema, timestampSchema } from '../api/common.ts';

/** What this program writes and reads. A backup of a newer format is refused by name, before anything else in it is looked at. */
export const backupFormat = 1;

const count = z.int().min(0);
const file = z.strictObject({
  name: z.string().min(1).max(100),
  size: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256: 64 lower-case hex digits'),
});

/** The first file of a backup: enough to know what it is without reading the rest. */
export const backupHeaderSchema = document('BackupHeader', {
  format: z.int().min(1),
  backup_id: nameSchema,
  created_at: timestampSchema,
  origin: z.string().min(1).max(256),
});

/**
 * What a backup holds, with the digest of each file and the head of the log in it. Objects are named by their digests, so that of
 * them only number, bytes and the digest of the list are here: the manifest stays small.
 */
export const backupManifestSchema = document('BackupManifest', {
  format: z.literal(backupFormat),
  backup_id: nameSchema,
  created_at: timestampSchema,
  environment: nameSchema,
  service_release_id: z.string().min(1).max(512),
  /** Newest migration of each database. */
  schema: z.strictObject({ govd: count, births: count }),
  log: z.strictObject({
    origin: z.string().min(1).max(256),
    size: count,
    root: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256: 64 lower-case hex digits'),
    /** Signed note of exactly this head. */
    checkpoint: z.string().max(1_000_000),
  }),
  files: z.array(file).min(1).max(64),
  objects: z.strictObject({ count, bytes: count, digest: digestSchema }),
  /** What the deployment itself lacked: objects it names that were missing, or did not have their digest. The first hundred by name. */
  lacks: z.strictObject({ count, items: z.array(z.string().max(256)).max(100) }),
}).strict();

export type BackupHeader = z.infer<typeof backupHeaderSchema>;
export type BackupManifest = z.infer<typeof backupManifestSchema>;

export const backupHeaderFile = 'govctl-backup.json';
export const backupManifestFile = 'manifest.json';
/** The record of the backup: it says the digest of the manifest, is signed, and stands in the log. */
export const backupEvidenceFile = 'evidence.json';

/** Files a backup may have besides objects, manifest and evidence. */
export const backupFiles = [
  'govd.yaml',
  'trust.json',
  'keys/decision.pub.pem',
  'keys/log.pub.pem',
  'keys/capability.pub.pem',
  'keys/token.pub.pem',
  'govd.db',
  'births.db',
] as const;

/** Private keys, and the operator's API key: only where somebody who can read the files asked for them. */
export const backupSecretFiles = [
  'keys/decision.key',
  'keys/log.key',
  'keys/capability.key',
  'keys/token.key',
  'keys/operator.apikey',
] as const;

const objectName = /^objects\/([0-9a-f]{2})\/([0-9a-f]{62})$/;

export function objectFile(digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return `objects/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

/** The hex digest an object's file name stands for. */
export function digestOfObjectFile(name: string): string | undefined {
  const match = objectName.exec(name);
  return match === null ? undefined : `${match[1]}${match[2]}`;
}

/** A line of the list whose digest the manifest has. */
export function objectLine(hex: string, size: number): string {
  return `${hex} ${size}\n`;
}
