import { quantile } from '../bench/spread.ts';
import type { KnownRow } from './ledger.ts';
import type { Delivery } from './tailer.ts';

export type Figures = {
  readonly delivered: number;
  readonly lost: number;
  readonly doubled: number;
  /** Deliveries of what was never committed. */
  readonly invented: number;
  /** Deliveries that came before one of the same key that was there for everybody before theirs was even begun. */
  readonly out_of_order: number;
  /** Milliseconds from commit to delivery, of what was delivered. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The longest time in which nothing was delivered although something waited that was delivered in the end. */
  readonly longest_stall: number;
};

const nameOf = (row: { readonly object_key: string; readonly born_at: string }) => `${row.object_key} ${row.born_at}`;

/** Whether nobody could have seen the second without the first. */
function before(first: KnownRow, second: KnownRow): boolean {
  return first.acknowledged_at < second.begun_at || (first.xid === second.xid && first.id < second.id);
}

function outOfOrder(rows: readonly KnownRow[]): number {
  const byKey = Object.values(Object.groupBy(rows, (row) => row.object_key));
  const wrong = (own: readonly KnownRow[]) => own.filter((row, place) => own.slice(place + 1).some((later) => before(later, row))).length;
  return byKey.reduce((sum, own) => sum + wrong(own ?? []), 0);
}

function longestStall(arrivals: readonly { readonly committed_at: number; readonly at: number }[]): number {
  const sorted = arrivals.toSorted((a, b) => a.at - b.at);
  let waiting = Number.POSITIVE_INFINITY;
  let longest = 0;
  // From the end: then the oldest of all that is still to be delivered is known.
  for (let place = sorted.length - 1; place >= 0; place -= 1) {
    const [arrival, previous] = [sorted[place], sorted[place - 1]];
    if (arrival === undefined) continue;
    waiting = Math.min(waiting, arrival.committed_at);
    longest = Math.max(longest, arrival.at - Math.max(waiting, previous?.at ?? waiting));
  }
  return longest;
}

/** Holds what was delivered against what was committed. */
export function judge(born: readonly KnownRow[], deliveries: readonly Delivery[]): Figures {
  const truth = new Map(born.map((row) => [nameOf(row), row]));
  const seen = new Set<string>();
  const arrived: (KnownRow & { readonly at: number })[] = [];
  let [doubled, invented] = [0, 0];
  for (const delivery of deliveries) {
    const name = nameOf(delivery);
    const row = truth.get(name);
    if (row === undefined) invented += 1;
    else if (seen.has(name)) doubled += 1;
    else arrived.push({ ...row, at: delivery.at });
    seen.add(name);
  }
  const waits = arrived.map((row) => Math.max(0, row.at - row.committed_at));
  return {
    delivered: deliveries.length,
    lost: truth.size - arrived.length,
    doubled,
    invented,
    out_of_order: outOfOrder(arrived),
    latency: { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), max: quantile(waits, 1) },
    longest_stall: longestStall(arrived),
  };
}
