import type { Digest } from '../evidence/digest.ts';
import { subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import { type GovernanceContext, governanceFact } from '../policy/governance-fact.ts';
import type { BackupManifest } from './manifest.ts';

/** Said before the first byte is given away: who begins to copy everything there is. */
export function startBackup(context: GovernanceContext, backupId: string, head: { readonly size: number; readonly root: Digest }): Unit {
  return unitOf(context, 'backup.start', backupId, head.root, { backup_id: backupId, tree_size: head.size });
}

/** Said before the manifest is: without this record the copy is no backup. */
export function createdBackup(context: GovernanceContext, manifest: BackupManifest, digest: Digest): Unit {
  return unitOf(context, 'backup.create', manifest.backup_id, digest, {
    backup_id: manifest.backup_id,
    tree_size: manifest.log.size,
    root: manifest.log.root,
    objects: manifest.objects.count,
    bytes: manifest.objects.bytes + manifest.files.reduce((sum, { size }) => sum + size, 0),
    lacks: manifest.lacks.count,
  });
}

function unitOf(context: GovernanceContext, fact: string, backupId: string, digest: Digest, detail: Record<string, string | number>): Unit {
  const subject = `backup/${backupId}`;
  const record = governanceFact(context, {
    fact,
    subject,
    digest,
    about: [subjectOf(subject, digest)],
    detail,
    tenant_id: 'default',
    dataset_id: null,
  });
  return { label: fact, changes: [], records: [record], events: [] };
}
