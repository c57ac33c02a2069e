import { connectPostgres, PostgresSession, type PostgresSettings } from '../db/index.ts';

/**
 * The tail's own connection. Its statements are planned each time they run: a plan made while a table was empty would read all of it
 * for every row later.
 */
export function openTailSession(settings: PostgresSettings): PostgresSession {
  return new PostgresSession(async () => {
    const opened = await connectPostgres(settings, { purpose: 'tail', mode: 'write', statementMs: 30_000 });
    await opened.client.query('SET jit = off; SET plan_cache_mode = force_custom_plan');
    return opened;
  });
}
