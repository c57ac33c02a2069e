import type { ExaminedBackup } from '@govctl/core/backup';

/** What every document about a backup says of it. */
export function described({ manifest, manifest_digest, evidence_ref, private_keys, trusted_by }: ExaminedBackup) {
  const { backup_id, created_at, environment, service_release_id, schema, log, files, objects, lacks } = manifest;
  return {
    backup_id,
    created_at,
    environment,
    service_release_id,
    schema,
    log: { origin: log.origin, size: log.size, root: log.root },
    files: files.map(({ name, size }) => ({ name, size })),
    objects: { count: objects.count, bytes: objects.bytes },
    private_keys: private_keys.length > 0,
    lacks,
    manifest_digest,
    evidence_ref,
    trusted_by,
  };
}
