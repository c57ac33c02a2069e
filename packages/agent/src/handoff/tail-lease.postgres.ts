import { isContention, type PostgresSession, type ServerIdentity } from '../db/index.ts';

/** A host that says nothing for this long has lost the tail. */
export const leaseMs = 10_000;
/** How long a host without the lease waits before it asks again, at most. */
const askAgainMs = leaseMs / 5;

export type Taken =
  | { readonly kind: 'held' }
  | { readonly kind: 'waiting'; readonly retry_ms: number }
  /** Just now; `epoch` tells which server the cursors were made on, and which this is. */
  | { readonly kind: 'taken'; readonly epoch: { readonly before: string | null; readonly now: string } };

type LeaseRow = { readonly fence: number; readonly left_ms: number; readonly source_epoch: string | null };

const leaseSql = `SELECT fence, source_epoch,
    CASE WHEN lease_until IS NULL OR holder = :holder THEN 0 ELSE ceil(extract(epoch FROM lease_until - clock_timestamp()) * 1000)::bigint END AS left_ms
  FROM handoff_cursor ORDER BY source, shard`;

function epochOf(server: ServerIdentity | undefined): string {
  return `${server?.system_identifier ?? ''}:${server?.timeline ?? 0}`;
}

/**
 * Which host tails. The lease is in the cursor rows and runs by the server's clock; each takeover makes the fence grow, and every batch
 * asks for both. So a host that was stopped commits nothing when it goes on, and never has to know how long it was away.
 */
export class TailLease {
  readonly #session: PostgresSession;
  readonly #holder: string;
  #fence: number | null = null;
  /** The server the lease was taken on. */
  #epoch = '';

  constructor(session: PostgresSession, holder: string) {
    this.#session = session;
    this.#holder = holder;
  }

  get fence(): number | null {
    return this.#fence;
  }

  lost(): void {
    this.#fence = null;
  }

  async take(): Promise<Taken> {
    const { server: now } = this.#session;
    // Another server took over, and knows this lease from the old one: it is taken anew, so that somebody says that this happened.
    if (this.#fence !== null && (now === undefined || epochOf(now) === this.#epoch)) return { kind: 'held' };
    const holder = this.#holder;
    const waiting = (rows: readonly LeaseRow[]): Taken | null => {
      const left = Math.max(0, ...rows.map((row) => row.left_ms));
      return left > 0 ? { kind: 'waiting', retry_ms: Math.min(askAgainMs, left + 20) } : null;
    };
    // Without a lock first: hosts that wait must not get into the way of the one that works.
    const held = waiting((await this.#session.run<LeaseRow>(leaseSql, { holder })).rows);
    if (held !== null) return held;
    try {
      return await this.#session.transaction(async (run) => {
        const { rows } = await run<LeaseRow>(`${leaseSql} FOR UPDATE`, { holder });
        const overtaken = waiting(rows);
        if (overtaken !== null) return overtaken;
        const fence = 1 + Math.max(0, ...rows.map((row) => row.fence));
        const epoch = epochOf(this.#session.server);
        await run(
          `UPDATE handoff_cursor SET fence = :fence, holder = :holder, source_epoch = :epoch,
             lease_until = clock_timestamp() + (:ttl)::bigint * interval '1 millisecond'`,
          { fence, holder, epoch, ttl: leaseMs },
        );
        this.#fence = fence;
        this.#epoch = epoch;
        return { kind: 'taken', epoch: { before: rows[0]?.source_epoch ?? null, now: epoch } } as const;
      });
    } catch (error) {
      this.#fence = null;
      if (isContention(error)) return { kind: 'waiting', retry_ms: askAgainMs };
      throw error;
    }
  }

  async release(): Promise<void> {
    const fence = this.#fence;
    this.#fence = null;
    if (fence !== null) await this.#session.run('UPDATE handoff_cursor SET lease_until = NULL WHERE fence = :fence', { fence });
  }
}
