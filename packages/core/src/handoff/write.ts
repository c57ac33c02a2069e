/** The writes of the handoff that people cause. What the tail writes is its own; births never come here. */
export type HandoffWrites = {
  'ospa.insert': {
    readonly authorization_id: string;
    readonly scope: string;
    readonly reason: string;
    readonly authorized_by: string;
    readonly authorized_at: string;
    readonly evidence_ref: string;
  };
  /** From inactive to active; the tail delivers what was captured. */
  'event-type.activate': { readonly event_type: string; readonly changed_at: string; readonly changed_by: string };
  /**
   * Captured to activated. The guard asks again what the decision was made from: this very incarnation is captured and not retired,
   * somebody authorised it, no cursor moved or is alarmed since the facts were read, and nothing of it waits in event_pending.
   */
  'candidate.activate': {
    readonly object_key: string;
    readonly born_at: string;
    readonly changelog_id: number;
    readonly activated_at: string;
    readonly decision_ref: string;
    /** The oldest heartbeat that still proves coverage. */
    readonly polled_since: string;
    /** Sum of the cursors' positions the facts were read at: births after it are not part of this decision. */
    readonly low_water_sum: number;
  };
  /** An operator accepts what an alarm said; after drift everything is read again from the first id. */
  'handoff.resume': Readonly<Record<never, never>>;
  /** After drift ids may start over, so the newest applied id of a candidate means nothing any more. */
  'candidate.forget-changelog': Readonly<Record<never, never>>;
  /** The tail has been silent for too long; said once until it is back. */
  'handoff.mark-stale': { readonly at: string; readonly polled_before: string };
  /** Marks rows for the tail: all that stand aside of the objects selected. */
  'handoff.quarantine-retry': {
    readonly source: string | null;
    readonly id: number | null;
    readonly object_key: string | null;
    readonly asked_at: string;
    readonly retry_ref: string;
  };
  /** Of a faulty row that is open: it is never applied. */
  'handoff.quarantine-discard': {
    readonly source: string;
    readonly id: number;
    readonly resolved_at: string;
    readonly resolved_by: string;
    readonly reason: string;
  };
  /** Rows of an object that waited behind nothing but discarded ones. */
  'handoff.quarantine-release': { readonly object_key: string; readonly asked_at: string };
  /** Everything of the source is read again, and its rows are judged anew. */
  'handoff.quarantine-reread': { readonly source: string; readonly resolved_at: string; readonly resolved_by: string };
  /** Only while nobody else did. */
  'handoff.pause': { readonly paused_at: string; readonly paused_by: string; readonly pause_reason: string };
  /** Ends the pause that was seen, not a later one. */
  'handoff.unpause': { readonly paused_at: string };
  /** Rows of the changelog up to this id may be gone from now on. The guard: all of them are applied, settled and proved. */
  'handoff.prune-mark': { readonly upto: number };
  'handoff.prune-start': {
    readonly prune_id: string;
    readonly upto: number;
    readonly before_at: string | null;
    readonly planned_rows: number;
    readonly walked_upto: number;
    readonly reason: string;
    readonly started_at: string;
    readonly started_by: string;
    readonly evidence_ref: string;
  };
  'handoff.prune-advance': {
    readonly prune_id: string;
    readonly from: number;
    readonly walked_upto: number;
    readonly removed: number;
    readonly finished_at: string | null;
  };
};
