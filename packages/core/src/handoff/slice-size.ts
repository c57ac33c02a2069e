const smallest = 100;
const largest = 10_000;
const first = 500;
/** Of one measure: a slice that met a cold page must not shrink the next to nothing, nor a lucky one let it hold everybody up. */
const [least, most] = [0.25, 2];

/**
 * Sizes slices of work that only reads, by the time the last one took. Unlike a batch (`BatchSize`) a slice has no fixed cost, so that
 * a small one tells as much as a large one.
 */
export class SliceSize {
  #rows = first;

  get rows(): number {
    return Math.round(this.#rows);
  }

  /** A full slice took `ms`, and should have taken `targetMs`. */
  learn(ms: number, targetMs: number): void {
    const scale = Math.min(most, Math.max(least, targetMs / Math.max(ms, 0.01)));
    this.#rows = Math.min(largest, Math.max(smallest, this.#rows * scale));
  }
}
