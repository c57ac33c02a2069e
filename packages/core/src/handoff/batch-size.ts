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
  #asked = { rows: first, targetMs: idleTargetMs };

  rows(targetMs: number): number {
    const rows = this.#msPerRow === null ? first : Math.min(largest, Math.max(smallest, Math.floor(targetMs / this.#msPerRow)));
    this.#asked = { rows, targetMs };
    return rows;
  }

  learn(rows: number, ms: number): void {
    const { rows: asked, targetMs } = this.#asked;
    if (rows < telling && ms < Math.max(targetMs, idleTargetMs)) {
      // A batch that was full, and had time left: the next may be larger. Otherwise one slow batch would keep all later ones small.
      if (this.#msPerRow !== null && rows >= asked && ms < targetMs) this.#msPerRow /= Math.min(2, targetMs / Math.max(ms, 0.01));
      return;
    }
    const measured = Math.max(ms, 0.01) / Math.max(1, rows);
    this.#msPerRow = this.#msPerRow === null ? measured : this.#msPerRow * (1 - weight) + measured * weight;
  }
}
