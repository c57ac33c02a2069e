import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';
import type { Change } from '../journal/change.ts';
import type { Unit } from '../journal/unit.ts';
import type { SnapshotRow, SnapshotWrites } from './snapshot-write.ts';

/** Who changes a snapshot, where and when. */
export type SnapshotContext = {
  readonly actor: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  readonly environment: string;
  readonly service_release_id: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** 128 random bits in hex. */
  readonly salt: string;
};

type Subject = Pick<SnapshotRow, 'snapshot_id' | 'snapshot_hash' | 'tenant_id' | 'dataset_id'>;
type Detail = Readonly<Record<string, string | number | boolean | null>>;

/** A change of a snapshot: the row, the dataset's revision (so that decisions see it) and the record of it, or none of them. */
function unit(context: SnapshotContext, snapshot: Subject, fact: string, change: Change, reason: string | null, detail: Detail): Unit {
  const { tenant_id, dataset_id } = snapshot;
  return {
    label: fact,
    changes: [change, { write: 'dataset.touch', values: { tenant_id, dataset_id, at: context.at } }],
    records: [record(context, snapshot, fact, reason, detail)],
    events: [],
  };
}

function record(context: SnapshotContext, snapshot: Subject, fact: string, reason: string | null, detail: Detail): RecordDraft {
  const { tenant_id, dataset_id, snapshot_id, snapshot_hash } = snapshot;
  return draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(`${dataset_id}/${snapshot_id}`, snapshot_hash)],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: context.actor.actor_id, authenticated_by: context.actor.authenticated_by },
      salt: context.salt,
      previous: null,
      fact,
      subject: `snapshot/${snapshot_id}`,
      digest: snapshot_hash,
      reason,
      detail,
    },
    run_id: null,
    tenant_id,
    dataset_id,
    recorded_at: context.at,
  });
}

export function registerSnapshot(
  context: SnapshotContext,
  values: Omit<SnapshotWrites['snapshot.insert'], 'environment' | 'service_release_id' | 'created_at' | 'created_by'>,
): Unit {
  const { environment, service_release_id, at, actor } = context;
  const row = { ...values, environment, service_release_id, created_at: at, created_by: actor.actor_id };
  const { layer, file_count, total_bytes, missing_objects } = values;
  return unit(context, values, 'snapshot.create', { write: 'snapshot.insert', values: row }, null, {
    layer,
    file_count,
    total_bytes,
    missing_objects,
  });
}

/** Objects arrived or vanished since they were counted. */
export function recountSnapshot(context: SnapshotContext, snapshot: SnapshotRow, missing_objects: number): Unit {
  const { snapshot_id, missing_objects: expected_missing } = snapshot;
  const change: Change = { write: 'snapshot.recount', values: { snapshot_id, expected_missing, missing_objects } };
  return unit(context, snapshot, 'snapshot.recount', change, null, { missing_objects, before: expected_missing });
}

export type ReadingResult = {
  readonly objects_read: number;
  readonly bytes_read: number;
  readonly failed_objects: number;
  /** Of the failed ones: there, but other bytes than registered, or not readable. */
  readonly damaged_objects: number;
  /** Not in the store now, also because they were set aside. */
  readonly missing_objects: number;
};

/**
 * What a snapshot is after every byte was read. Whole: verified. Otherwise verified is withdrawn; only a snapshot that was never
 * verified and merely lacks objects stays registered, because its upload may still be under way.
 */
export function verificationAfter(before: SnapshotRow['verification'], result: ReadingResult): SnapshotRow['verification'] {
  if (result.failed_objects === 0) return 'verified';
  return before === 'registered' && result.damaged_objects === 0 ? 'registered' : 'withdrawn';
}

export function verifySnapshot(context: SnapshotContext, snapshot: SnapshotRow, result: ReadingResult): Unit {
  const verification = verificationAfter(snapshot.verification, result);
  const change: Change = {
    write: 'snapshot.verify',
    values: {
      snapshot_id: snapshot.snapshot_id,
      expected_verification: snapshot.verification,
      verification,
      verified_at: verification === 'verified' ? context.at : null,
      missing_objects: result.missing_objects,
    },
  };
  return unit(context, snapshot, 'snapshot.verify', change, null, { verification, before: snapshot.verification, ...result });
}

export function releaseSnapshot(context: SnapshotContext, snapshot: SnapshotRow, reason: string): Unit {
  const { snapshot_id, quarantined_at, quarantine_reason, quarantine_run_id, flagged_reason } = snapshot;
  const change: Change = { write: 'snapshot.release', values: { snapshot_id } };
  return unit(context, snapshot, 'snapshot.release', change, reason, {
    quarantined_at,
    quarantine_reason,
    quarantine_run_id,
    flagged_reason,
  });
}
