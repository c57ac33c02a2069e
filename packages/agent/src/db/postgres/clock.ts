import type { PostgresSession } from './session.ts';

/** How long the last comparison with the server is believed, in milliseconds. */
const comparedEveryMs = 2000;

export type DatabaseClock = {
  /** The deployment's time, RFC 3339 in milliseconds. */
  now(): string;
  /** Compares with the server again, when it is due. Called from a loop; a failure keeps the last comparison. */
  compare(): Promise<void>;
};

/**
 * One clock for every host of a deployment: the database's. Between two comparisons it runs on this host's monotonic timer, so a
 * host whose own clock is an hour wrong, or set back, tells the same time as the others.
 */
export async function databaseClock(session: PostgresSession, monotonicMs: () => number): Promise<DatabaseClock> {
  let offset = 0;
  let comparedAt = Number.NEGATIVE_INFINITY;
  let last = 0;
  const compare = async () => {
    if (monotonicMs() - comparedAt < comparedEveryMs) return;
    const before = monotonicMs();
    const { rows } = await session.run<{ ms: number }>('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms');
    const after = monotonicMs();
    const [row] = rows;
    if (row === undefined) return;
    // The answer was made somewhere between question and answer.
    offset = row.ms - (before + after) / 2;
    comparedAt = after;
  };
  await compare();
  return {
    now() {
      const time = Math.floor(offset + monotonicMs());
      // A small step back is waited out, so that two records of this host stand in the order they were made; a large one is the server's.
      if (time > last || last - time > comparedEveryMs) last = time;
      return new Date(last).toISOString();
    },
    compare,
  };
}
