/**
 * What a step prints, bounded: the beginning and the end are kept, what lies between is counted. However much comes, no more memory is used
 * than the bound.
 */
export class OutputCapture {
  readonly #half: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #total = 0;

  constructor(bound: number) {
    this.#half = Math.max(1, Math.floor(bound / 2));
  }

  get total(): number {
    return this.#total;
  }

  push(chunk: Buffer): void {
    this.#total += chunk.length;
    let rest = chunk;
    if (this.#headBytes < this.#half) {
      // Copied: a slice would keep the whole of what it is a slice of.
      const part = Buffer.from(rest.subarray(0, this.#half - this.#headBytes));
      this.#head.push(part);
      this.#headBytes += part.length;
      rest = rest.subarray(part.length);
    }
    if (rest.length === 0) return;
    this.#tail.push(Buffer.from(rest.subarray(Math.max(0, rest.length - this.#half))));
    this.#tailBytes += this.#tail.at(-1)?.length ?? 0;
    for (let [first] = this.#tail; first !== undefined && this.#tailBytes - first.length >= this.#half; [first] = this.#tail) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
    }
    // Many small pieces are as many objects: now and then they become one.
    if (this.#tail.length > 1024) this.#tail = [Buffer.concat(this.#tail)];
  }

  /** What is kept, and where something is missing a line that says so. */
  bytes(): Buffer {
    const tail = Buffer.concat(this.#tail);
    const kept = tail.subarray(Math.max(0, tail.length - this.#half));
    const missing = this.#total - this.#headBytes - kept.length;
    const note = missing === 0 ? [] : [Buffer.from(`\n[govd left out ${missing} of ${this.#total} bytes here]\n`)];
    return Buffer.concat([...this.#head, ...note, kept]);
  }
}
