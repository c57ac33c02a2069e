import type { TrueRow } from './source.ts';

/** What became of a transaction, as its writer saw it. Unknown: the connection was gone before the answer. */
export type Fate = { outcome: 'open' | 'committed' | 'rolled back' | 'unknown'; acknowledged_at: number };

export type Entry = {
  readonly object_key: string;
  readonly born_at: string;
  /** This process's clock, before the statement was sent, and after the key was locked when others write it too. */
  readonly begun_at: number;
  readonly fate: Fate;
  /** Its savepoint was rolled back. */
  undone: boolean;
};

/** A row of the source with what its writer knows: it was there for everybody before `acknowledged_at`, and not before `begun_at`. */
export type KnownRow = TrueRow & { readonly begun_at: number; readonly acknowledged_at: number };

const nameOf = (row: { readonly object_key: string; readonly born_at: string }) => `${row.object_key} ${row.born_at}`;

/** What the writers did. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  #microseconds = 0;

  /** A time nobody else has, later than all before it: text order is time order. */
  moment(): string {
    this.#microseconds += 1;
    const seconds = Math.floor(this.#microseconds / 1_000_000);
    const whole = new Date(Date.UTC(2026, 10, 21) + seconds * 1000).toISOString().slice(0, 19);
    return `${whole}.${String(this.#microseconds % 1_000_000).padStart(6, '0')}Z`;
  }

  begin(object_key: string, born_at: string, fate: Fate): Entry {
    const entry = { object_key, born_at, begun_at: performance.now(), fate, undone: false };
    this.#entries.set(nameOf(entry), entry);
    return entry;
  }

  count(outcome: Fate['outcome']): number {
    return [...this.#entries.values()].filter((entry) => entry.fate.outcome === outcome).length;
  }

  /** @throws Error when table and writers contradict each other: then nothing that follows would mean anything */
  complete(rows: readonly TrueRow[]): KnownRow[] {
    const known = rows.map((row) => {
      const entry = this.#entries.get(nameOf(row));
      if (entry === undefined || entry.undone || entry.fate.outcome === 'rolled back')
        throw new Error(`${nameOf(row)} is in the table and was never committed`);
      const acknowledged_at = entry.fate.outcome === 'committed' ? entry.fate.acknowledged_at : Number.POSITIVE_INFINITY;
      return { ...row, begun_at: entry.begun_at, acknowledged_at };
    });
    const there = new Set(rows.map(nameOf));
    for (const [name, { fate, undone }] of this.#entries)
      if (fate.outcome === 'committed' && !undone && !there.has(name)) throw new Error(`${name} was committed and is not in the table`);
    return known;
  }
}
