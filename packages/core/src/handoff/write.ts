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
};
