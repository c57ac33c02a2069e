import type { EventDraft } from '../event/event.ts';
import type { RecordDraft } from '../evidence/statement.ts';
import type { Change } from './change.ts';

/**
 * A state change, as data. Pure functions build units; `journal.commit(unit)` writes one: guards, rows, evidence leaves, head,
 * outbox, one durable commit, then the signed checkpoint, then the answer. So audit cannot be skipped, events cannot precede
 * the commit and fencing cannot be forgotten.
 */
export type Unit = {
  /** For logs and metrics: `promotion.complete`, `contract.apply`. */
  readonly label: string;
  /** Guards and row changes, written in this order. Each names the write; its SQL carries the guard predicate. */
  readonly changes: readonly Change[];
  /** Evidence to sign and append, in this order; refs are known beforehand. */
  readonly records: readonly RecordDraft[];
  /** Published only after the commit, in this order. */
  readonly events: readonly EventDraft[];
};

/** Where a record of a committed unit stands in the log. */
export type CommittedRecord = { readonly ref: string; readonly leaf_index: number };

export type Committed = {
  readonly records: readonly CommittedRecord[];
  /** Size of the tree whose signed checkpoint covers the records; absent when the unit had no evidence. */
  readonly tree_size?: number;
  readonly committed_at: string;
};

/** A guard that did not hold: the facts moved between reading and writing. The caller reads again and rebuilds, three times at most. */
export type GuardLost = { readonly guard: string };
