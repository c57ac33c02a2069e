const smallest = 500;
const largest = 50_000;
const first = 4_000;
/** How much of a new measure counts: one slow disk flush must not shrink the next batch to nothing. */
const weight = 0.4;
/** Fewer rows than this measure the disk flush, not the rows. Learning from them would shrink the next batch, and so on to nothing. */
const telling = 2_000;

/** What a batch may take, in milliseconds: long while nobody waits, short while others do. */
export const idleTargetMs = 75;
export const busyTargetMs = 5;

/** Sizes batches by time, from the rate of the batches before. */
export class BatchSize {
  #msPerRow: number | null = null;

  rows(targetMs: number): number {
    if (this.#msPerRow === null) return first;
    return Math.min(largest, Math.max(smallest, Math.floor(targetMs / this.#msPerRow)));
  }

  learn(rows: number, ms: number): void {
    if (rows < telling && ms < idleTargetMs) return;
    const measured = Math.max(ms, 0.01) / Math.max(1, rows);
    this.#msPerRow = this.#msPerRow === null ? measured : this.#msPerRow * (1 - weight) + measured * weight;
  }
}
