import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Hold } from './plan.ts';
import type { Stage } from './writer.ts';

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
