/** The writes of the dispatcher. */
export type EventWrites = {
  /**
   * Takes a free or expired lease, or keeps one's own. It stands first in the unit it protects, so that who lost the lease writes
   * nothing; the fence grows with each change of holder.
   */
  'lease.hold': { readonly lease_name: string; readonly holder: string; readonly at: string; readonly expires_at: string };
  /** Gives the next committed outbox rows their positions: contiguous, in commit order, and never again others. */
  'outbox.dispatch': { readonly limit: number };
};
