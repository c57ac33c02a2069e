import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Hold } from './plan.ts';
import type { Stage } from './writer.ts';

/** Ends what is named like a connection of our daemon, in the middle of whatever it does. */
export async function raid({ killer, database, begun_at }: Stage, moments: readonly number[]): Promise<void> {
  for (const moment of moments) {
    await sleep(Math.max(0, begun_at + moment - performance.now()));
    const victims = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'govd %'`;
    await killer.query(victims, [database]);
  }
}

/** Holds an xid with a row of a table that nobody tails. */
export async function holdXid(stage: Stage, hold: Hold, nth: number): Promise<void> {
  await sleep(Math.max(0, stage.begun_at + hold.starts_at - performance.now()));
  const database = hold.where === 'same database' ? stage.database : 'postgres';
  const client = new Client(stage.server.connection(database));
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(hold.where === 'same database' ? 'INSERT INTO public.unrelated VALUES (1)' : 'SELECT pg_current_xact_id()');
    if (hold.prepared) await client.query(`PREPARE TRANSACTION 'hold-${nth}'`);
    await sleep(hold.ms);
    await client.query(hold.prepared ? `COMMIT PREPARED 'hold-${nth}'` : 'COMMIT');
  } finally {
    await client.end();
  }
}
