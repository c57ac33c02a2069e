import type { DoctorFinding } from '@govctl/core/api';
import { type Database, query } from '../db/index.ts';
import { fail, failedBy, pass } from './finding.ts';

/** What would let a crash take back what was acknowledged. A daemon does not start on it; a server can be told so while one runs. */
const undurable = query<Record<string, never>, { what: string }>('undurable', {
  sqlite: `SELECT 'synchronous is ' || synchronous AS what FROM pragma_synchronous WHERE synchronous < 2
   UNION ALL SELECT 'journal_mode is ' || journal_mode FROM pragma_journal_mode WHERE journal_mode <> 'wal'`,
  postgres: `SELECT name || ' is off' AS what FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
   UNION ALL SELECT 'the table ' || c.relname || ' is not logged' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relpersistence <> 'p' ORDER BY what`,
});

/** Whether what is acknowledged would outlive a crash. */
export async function durabilityFinding(database: Database): Promise<DoctorFinding> {
  try {
    const [found] = await database.read([undurable({})]);
    return found.length === 0
      ? pass('durability', 'what is acknowledged is flushed, and in tables that outlive a crash')
      : fail(
          'durability',
          `a crash could take back what was acknowledged: ${found.map(({ what }) => what).join(', ')}`,
          'undo it in the database, then restart govd: it says how where it does not start',
        );
  } catch (error) {
    return failedBy('durability', error);
  }
}
