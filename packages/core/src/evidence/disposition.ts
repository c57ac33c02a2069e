import type { Unit } from '../journal/unit.ts';
import { type GovernanceContext, governanceFact } from '../policy/governance-fact.ts';
import { jcsDigest } from './jcs.ts';
import type { RetentionRule } from './retention.ts';
import { subjectOf } from './statement.ts';

/** Payloads of one disposition: more are another one, so that no transaction and no list is too long. */
export const maxDisposed = 5000;

export type DisposedRecord = {
  readonly leaf_index: number;
  readonly ref: string;
  readonly kind: string;
  readonly recorded_at: string;
  readonly bytes: number;
};

/** The list of a disposition as one digest: JCS of the refs in the order of the log. Anybody who has the log can make it again. */
export function refsDigest(refs: readonly string[]): string {
  return jcsDigest(refs);
}

/** What a disposition says of itself, in its record and in its row. */
export function dispositionDetail(rule: RetentionRule, records: readonly DisposedRecord[]) {
  const by_kind: Record<string, number> = {};
  for (const { kind } of records) by_kind[kind] = (by_kind[kind] ?? 0) + 1;
  const times = records.map(({ recorded_at }) => recorded_at).sort();
  return {
    rule: { ...rule, kinds: [...rule.kinds], tenants: [...rule.tenants], datasets: [...rule.datasets] },
    records: records.length,
    bytes: records.reduce((sum, { bytes }) => sum + bytes, 0),
    by_kind,
    first_leaf: records[0]?.leaf_index ?? 0,
    last_leaf: records.at(-1)?.leaf_index ?? 0,
    oldest: times[0] ?? null,
    newest: times.at(-1) ?? null,
    refs_digest: refsDigest(records.map(({ ref }) => ref)),
  };
}

export type Announcement = {
  readonly disposition_id: string;
  readonly rule: RetentionRule;
  /** In the order of the log; at least one, at most `maxDisposed`. */
  readonly records: readonly DisposedRecord[];
  readonly reason: string;
  /** Dispositions there were when the list was made: another one since makes it stale. */
  readonly seen: number;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
};

/** Puts on record what will be erased, before the first byte of it goes. */
export function announceDisposition(context: GovernanceContext, announcement: Announcement): Unit {
  const { disposition_id, rule, records, reason, seen, tenant_id, dataset_id } = announcement;
  const detail = dispositionDetail(rule, records);
  const subject = `disposition/${disposition_id}`;
  const record = governanceFact(context, {
    fact: 'evidence.dispose',
    subject,
    digest: detail.refs_digest,
    about: [subjectOf(subject, detail.refs_digest)],
    reason,
    detail,
    tenant_id,
    dataset_id,
  });
  const values = {
    number: seen + 1,
    disposition_id,
    rule: rule.name,
    records: detail.records,
    bytes: detail.bytes,
    refs_digest: detail.refs_digest,
    evidence_ref: record.ref,
    reason,
    announced_at: context.at,
    announced_by: context.actor.actor_id,
  };
  const leaves = JSON.stringify(records.map(({ leaf_index }) => String(leaf_index)));
  return {
    label: 'evidence.dispose',
    changes: [
      { write: 'disposition.announce', values },
      { write: 'disposition.list', values: { disposition_id, leaves } },
    ],
    records: [record],
    events: [],
  };
}

/** Erases a stretch of what was announced; what is gone already, or on hold by now, stays as it is. */
export function eraseDisposed(slice: { readonly disposition_id: string; readonly after: number; readonly upto: number }): Unit {
  const values = { ...slice };
  return {
    label: 'evidence.erase',
    changes: [
      { write: 'facts.erase', values },
      { write: 'payload.erase', values },
    ],
    records: [],
    events: [],
  };
}
