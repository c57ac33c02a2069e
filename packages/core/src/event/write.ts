/** The writes of the dispatcher. */
export type EventWrites = {
  /** Gives the next committed outbox rows their positions: contiguous, in commit order, and never again others. */
  'outbox.dispatch': { readonly limit: number };
};
