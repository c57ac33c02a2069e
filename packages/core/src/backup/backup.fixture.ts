import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { schemaVersion } from '../api/common.ts';
import { signCheckpoint } from '../evidence/checkpoint.ts';
import { digestOf } from '../evidence/digest.ts';
import { ed25519Signer, signPayload } from '../evidence/dsse.ts';
import { evidenceFile } from '../evidence/evidence-file.ts';
import { enrolPublicKey, rawPublicKey } from '../evidence/key.ts';
import { leafBody } from '../evidence/leaf.ts';
import { leafHash } from '../evidence/merkle.ts';
import { type KeyPurpose, keyPurposes, loadTrust, trustOf } from '../evidence/trust.ts';
import { type BackupHeader, type BackupManifest, backupFormat, objectFile, objectLine } from './manifest.ts';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';
import { createdBackup } from './unit.ts';

export type File = { readonly name: string; readonly bytes: Uint8Array };

const at = '2026-11-21T03:00:00.000Z';
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export function packed(files: readonly File[], end: Uint8Array = tarEnd): Buffer {
  return Buffer.concat([...files.flatMap(({ name, bytes }) => [tarHeader(name, bytes.length, 0), bytes, tarPadding(bytes.length)]), end]);
}

/** A deployment's keys, and backups of it: small, and right in every way. `change` is applied to the manifest before it is recorded. */
export function deployment(origin = 'test/log') {
  const keys = Object.fromEntries(keyPurposes.map((purpose) => [purpose, generateKeyPairSync('ed25519').privateKey])) as Record<
    KeyPurpose,
    KeyObject
  >;
  const trust = trustOf(
    origin,
    keyPurposes.map((purpose) => ({
      ...enrolPublicKey(rawPublicKey(createPublicKey(keys[purpose]).export({ type: 'spki', format: 'der' }))),
      purpose,
      role: 'governance',
      from_index: 0,
      to_index: null,
    })),
  );
  const backup = (change: (manifest: BackupManifest) => BackupManifest = (same) => same): File[] => {
    const files: File[] = [
      { name: 'trust.json', bytes: json(trust) },
      { name: 'govd.db', bytes: Buffer.alloc(1500, 'database') },
    ];
    const objects = ['one', 'two', '']
      .map((text) => Buffer.from(text))
      .map((bytes) => ({ name: objectFile(`sha256:${sha256(bytes)}`), bytes, hex: sha256(bytes) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const header: BackupHeader = {
      schemaVersion,
      kind: 'BackupHeader',
      format: backupFormat,
      backup_id: 'backup-1',
      created_at: at,
      origin,
    };
    const root = leafHash(Buffer.from('first'));
    const logSigner = ed25519Signer(keys.log);
    const manifest = change({
      schemaVersion,
      kind: 'BackupManifest',
      format: backupFormat,
      backup_id: 'backup-1',
      created_at: at,
      environment: 'local_parity',
      service_release_id: 'test',
      schema: { govd: 1, births: 1 },
      log: { origin, size: 1, root: Buffer.from(root).toString('hex'), checkpoint: signCheckpoint({ origin, size: 1, root }, logSigner) },
      files: files.map(({ name, bytes }) => ({ name, size: bytes.length, sha256: sha256(bytes) })),
      objects: {
        count: objects.length,
        bytes: objects.reduce((sum, { bytes }) => sum + bytes.length, 0),
        digest: `sha256:${sha256(Buffer.from(objects.map(({ hex, bytes }) => objectLine(hex, bytes.length)).join('')))}`,
      },
      lacks: { count: 0, items: [] },
    });
    const bytes = json(manifest);
    const context = {
      actor: { actor_id: 'HUMAN::ada', authenticated_by: 'api-key:test' },
      environment: 'local_parity',
      service_release_id: 'test',
      at,
      salt: '0'.repeat(32),
    };
    const [record] = createdBackup(context, manifest, digestOf(bytes)).records;
    if (record === undefined) throw new Error('no record');
    const body = leafBody(digestOf(record.payload), [signPayload(record.payload, ed25519Signer(keys.decision))]);
    const checkpoint = signCheckpoint({ origin, size: 1, root: leafHash(body) }, logSigner);
    const evidence = evidenceFile({ ref: record.ref, leaf_index: 0, payload: record.payload, body }, [], checkpoint);
    return [
      { name: 'govctl-backup.json', bytes: json(header) },
      ...files,
      ...objects.map(({ name, bytes: content }) => ({ name, bytes: content })),
      { name: 'manifest.json', bytes },
      { name: 'evidence.json', bytes: json(evidence) },
    ];
  };
  return { keys, trust: loadTrust(JSON.parse(JSON.stringify(trust))), backup };
}
