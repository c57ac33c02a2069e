import { connectPostgres, PostgresSession, type PostgresSettings } from '../db/index.ts';

/**
 * The tail's own connection. Its statements are planned each time they run: a plan made while a table was empty would read all of it
 * for every row later. And its reads follow an index in the order of the ids: how many rows of a range a LIMIT leaves unread, the
 * planner cannot know, and a bitmap or a sort would read all of them in every batch. Its memory (kB) holds a batch and what it is
 * compared with: without, a lookup in a hash becomes a search through all of it.
 */
export function openTailSession(settings: PostgresSettings, purpose: 'tail' | 'replay' = 'tail'): PostgresSession {
  return new PostgresSession(async () => {
    const opened = await connectPostgres(settings, { purpose, mode: 'write', statementMs: 30_000 });
    await opened.client.query(
      'SET jit = off; SET plan_cache_mode = force_custom_plan; SET enable_bitmapscan = off; SET enable_seqscan = off; SET enable_memoize = off; SET work_mem = 32768',
    );
    return opened;
  });
}
