export type TailStep =
  /** `settled`: nothing that can be seen was left to read. `looked`: rows that were passed to find these, where those were more. */
  | { readonly kind: 'applied'; readonly rows: number; readonly looked?: number; readonly settled: boolean }
  /** `proving`: nothing to read, but births to prove; the next slice need not wait for a heartbeat. */
  | { readonly kind: 'idle'; readonly proving?: true }
  /** An operator paused it: it says that it lives, and reads nothing. */
  | { readonly kind: 'paused' }
  /** Another tail took over; this one commits nothing any more. */
  | { readonly kind: 'fenced' }
  /** Another host tails; asking again after `retry_ms` finds out whether it still does. */
  | { readonly kind: 'standby'; readonly retry_ms: number };

/** Applies both birth sources to governance, a batch a step. What a step throws was not done, and the next step does it. */
export type Tail = {
  /** Before the first step. */
  start(): void | Promise<void>;
  /**
   * One batch of about `rows` rows; or, with nothing to read, a heartbeat when one is due; or nothing. Proving what was read before may
   * hold others up for about `targetMs`, in milliseconds.
   */
  step(rows: number, targetMs?: number): TailStep | Promise<TailStep>;
};
