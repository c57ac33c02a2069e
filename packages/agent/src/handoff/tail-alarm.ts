import { type Anchor, judgeAnchor, judgeSource } from '@govctl/core/handoff';
import { readSource } from './source-fact.ts';
import type { CursorRow, SqliteTailSession } from './tail-session.ts';
import { type SourceName, sources } from './tail-sql.ts';

/**
 * Looks whether the sources are still what was read: their columns and ids, where the ids stand, and the newest row that was read. What
 * is not so is told as an alarm.
 *
 * @returns the sources that can be read at all
 */
export function watchSources(session: SqliteTailSession): ReadonlySet<SourceName> {
  const readable = new Set<SourceName>();
  let registryThere = true;
  for (const cursor of session.cursors()) {
    const fact = readSource(session.handle, cursor.source);
    session.alarm(cursor, judgeSource(fact, cursor.low_water));
    if (cursor.source === 'birth_registry') registryThere = fact.present;
    if (!fact.present || fact.missing_columns.length > 0) continue;
    readable.add(cursor.source);
    watchAnchor(session, cursor);
  }
  // What the changelog tells is compared with the registry: without its table neither is read.
  return registryThere ? readable : new Set();
}

/** Before more is read: the next batch remembers another row. */
export function watchAnchor(session: SqliteTailSession, cursor: CursorRow): void {
  const anchor = cursor.anchor === null ? null : (JSON.parse(cursor.anchor) as Anchor);
  if (anchor === null) return;
  const { table, id } = sources[cursor.source];
  const [found = null] = session.all<Omit<Anchor, 'id'>>(
    `SELECT CAST(object_key AS TEXT) AS object_key, CAST(born_at AS TEXT) AS born_at FROM ${table} WHERE ${id} = :id`,
    { id: anchor.id },
  );
  session.alarm(cursor, judgeAnchor(anchor, found, true));
}

/** The newest row up to an id as a cursor keeps it. None of the quarantine: whoever owns the table may mend it. */
export function anchorSql(source: SourceName): string {
  const { table, id } = sources[source];
  return `(SELECT json_object('id', r.${id}, 'object_key', CAST(r.object_key AS TEXT), 'born_at', CAST(r.born_at AS TEXT)) FROM ${table} r WHERE r.${id} = :high
      AND NOT EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.source = '${source}' AND q.id = r.${id}))`;
}
