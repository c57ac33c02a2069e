import { setTimeout as sleep } from 'node:timers/promises';
import { equalBytes } from '@govctl/core/evidence';
import type { PostgresSession, ServerIdentity } from '../db/index.ts';

/** What a transaction would have left behind, to look for when nobody knows whether it committed. */
export type CommitTrace = {
  /** Its transaction id; only this server knows it. */
  readonly xid: string;
  readonly server: ServerIdentity;
  /** The head of the log it made, if it appended. */
  readonly head: { readonly size: number; readonly root: Uint8Array } | null;
};

export type CommitOutcome = 'committed' | 'not-committed' | 'unknown';

/** For how long a server that does not answer is asked: whoever waits for the commit waits for this too. */
const patienceMs = 10_000;
const pauseMs = 250;

/**
 * Reads back whether a transaction committed whose COMMIT was never answered. Its head of the log is proof either way: no other
 * transaction makes the same root. Without one the server is asked for the fate of the transaction id, which only means something
 * on the same server and timeline.
 */
export async function commitOutcome(session: PostgresSession, trace: CommitTrace): Promise<CommitOutcome> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      const outcome = await askOnce(session, trace);
      if (outcome !== 'in-progress') return outcome;
    } catch {
      // The server is away; the question stays.
    }
    if (performance.now() >= until) return 'unknown';
    await sleep(pauseMs);
  }
}

async function askOnce(session: PostgresSession, { xid, server, head }: CommitTrace): Promise<CommitOutcome | 'in-progress'> {
  const status = await session.run<{ status: string | null; head_root: Uint8Array | null }>(
    `SELECT pg_xact_status(CAST(:xid AS xid8)) AS status, (SELECT root FROM log_head WHERE size = :size) AS head_root`,
    { xid, size: head?.size ?? 0 },
  );
  const [row] = status.rows;
  const now = session.server;
  const same = now !== undefined && now.system_identifier === server.system_identifier && now.timeline === server.timeline;
  if (head !== null && row?.head_root != null) return equalBytes(row.head_root, head.root) ? 'committed' : 'not-committed';
  if (same && row?.status === 'in progress') return 'in-progress';
  if (head !== null) return await headIsThere(session, head);
  if (same && row?.status === 'committed') return 'committed';
  if (same && row?.status === 'aborted') return 'not-committed';
  return 'unknown';
}

/**
 * Looked at once more, with a snapshot that is newer than the answer about the transaction id. The head alone counts: after a crash the
 * server gives the id of a transaction that it lost to another one, and would say that this one committed.
 */
async function headIsThere(session: PostgresSession, head: NonNullable<CommitTrace['head']>): Promise<CommitOutcome> {
  const { rows } = await session.run<{ root: Uint8Array }>('SELECT root FROM log_head WHERE size = :size', { size: head.size });
  const [row] = rows;
  return row !== undefined && equalBytes(row.root, head.root) ? 'committed' : 'not-committed';
}
