import type { SqliteHandle } from '../db/index.ts';
import { lagViewSql, sources } from './tail-sql.ts';

/**
 * Attaches births.db, for reading only, to a connection of govd.db, and makes `v_handoff_lag` on it.
 *
 * SQLite has no read-only ATTACH without URI file names, which the library is built without; so TEMP triggers abort every write of
 * this connection to the tables of births. The connection must open its transactions with a plain BEGIN: BEGIN IMMEDIATE would take
 * the write lock of births.db too, and a birth would wait for governance.
 */
export function attachBirths(handle: SqliteHandle, birthsPath: string): void {
  handle.prepare('ATTACH ? AS births').run(birthsPath);
  const queryOnly = handle.pragma('query_only', { simple: true });
  // TEMP objects live in memory, but query_only forbids them all the same.
  handle.pragma('query_only = OFF');
  if (!handle.readonly) {
    for (const table of [...Object.values(sources).map((source) => source.table), 'births.birth_permit']) {
      for (const act of ['INSERT', 'UPDATE', 'DELETE']) {
        handle.exec(
          `CREATE TEMP TRIGGER guard_${act}_${table.replace('.', '_')} BEFORE ${act} ON ${table}
           BEGIN SELECT RAISE(ABORT, 'governance never writes births'); END`,
        );
      }
    }
  }
  // Each database of a connection has a cache of its own, 2 MB unless told: a batch reads its range several times.
  handle.pragma('births.cache_size = -16384');
  handle.exec(lagViewSql);
  handle.pragma(`query_only = ${queryOnly === 1 ? 'ON' : 'OFF'}`);
}
