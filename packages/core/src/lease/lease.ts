import type { Change } from '../journal/change.ts';

/** The write behind every background loop of a deployment with many hosts. */
export type LeaseWrites = {
  /**
   * Takes a free or expired lease, or keeps one's own. It stands first in the unit it protects, so that who lost the lease writes
   * nothing; the fence grows with each change of holder. `believed_until`: one that expires later than that was taken before the clock was
   * set back, and whoever took it may be gone.
   */
  'lease.hold': {
    readonly lease_name: string;
    readonly holder: string;
    readonly at: string;
    readonly expires_at: string;
    readonly believed_until: string;
  };
  /** Gives a lease back before it expires, where it is still one's own: the next holder need not wait. */
  'lease.release': { readonly lease_name: string; readonly holder: string; readonly at: string };
};

/** How long a holder that says nothing more keeps others away, in milliseconds. */
const leaseMs = 10_000;
/** Clocks of hosts that share a lease may differ by so much. */
const skewMs = 60_000;

/** The loops of a deployment that one host runs at a time. */
const leasedLoops = [
  'event-dispatch',
  'requeue',
  'witness',
  'handoff-replay',
  'pause',
  'audit',
  'reconcile',
  'reactor',
  'webhook',
  'alert',
] as const;
export type LeaseName = (typeof leasedLoops)[number];

/** The first change of a unit that only the holder of a lease may write. */
export function holdLease(lease_name: LeaseName, holder: string, at: string): Change {
  const after = (milliseconds: number) => new Date(Date.parse(at) + milliseconds).toISOString();
  const values = { lease_name, holder, at, expires_at: after(leaseMs), believed_until: after(leaseMs + skewMs) };
  return { write: 'lease.hold', values };
}

/** What a process that ends by itself writes last, after its loops ended. */
export function releaseLeases(holder: string, at: string): readonly Change[] {
  return leasedLoops.map((lease_name) => ({ write: 'lease.release', values: { lease_name, holder, at } }));
}
