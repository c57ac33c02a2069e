import { jcsDigest } from '../evidence/jcs.ts';
import { subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import { type GovernanceContext, governanceFact } from '../policy/governance-fact.ts';
import { type CheckStatus, checkStatuses, type QualityCheck } from './check.ts';
import type { QualityImport } from './import.ts';
import type { ImportKind } from './kind.ts';

/** The snapshot that was tested. */
export type ImportedSnapshot = {
  readonly snapshot_id: string;
  readonly snapshot_hash: string;
  readonly tenant_id: string;
  readonly dataset_id: string;
};

export function statusCounts(checks: readonly Pick<QualityCheck, 'status'>[]): Record<CheckStatus, number> {
  const counts = Object.fromEntries(checkStatuses.map((status) => [status, 0])) as Record<CheckStatus, number>;
  for (const { status } of checks) counts[status] += 1;
  return counts;
}

/**
 * Keeps the results of a test run with their snapshot: the row, the dataset's revision (so that decisions see them) and the record
 * of it, or none. The record is about the file and about the snapshot, so that neither can be told of another.
 */
export function importQuality(
  context: GovernanceContext,
  snapshot: ImportedSnapshot,
  source: { readonly kind: ImportKind; readonly digest: string },
  { checks, ignored }: QualityImport,
): Unit {
  const { snapshot_id, snapshot_hash, tenant_id, dataset_id } = snapshot;
  const { at, actor } = context;
  return {
    label: 'quality.import',
    changes: [
      {
        write: 'quality.import',
        values: {
          snapshot_id,
          source_kind: source.kind,
          source_digest: source.digest,
          imported_at: at,
          imported_by: actor.actor_id,
          checks: JSON.stringify(checks),
        },
      },
      { write: 'dataset.touch', values: { tenant_id, dataset_id, at } },
    ],
    records: [
      governanceFact(context, {
        fact: 'quality.import',
        subject: `snapshot/${snapshot_id}`,
        digest: source.digest,
        about: [subjectOf(`quality/${source.kind}`, source.digest), subjectOf(`${dataset_id}/${snapshot_id}`, snapshot_hash)],
        detail: {
          source_kind: source.kind,
          snapshot_hash,
          checks_digest: jcsDigest(checks),
          ignored,
          counts: statusCounts(checks),
        },
        tenant_id,
        dataset_id,
      }),
    ],
    events: [],
  };
}
