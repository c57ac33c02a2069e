import type { SourceFact } from '@govctl/core/handoff';
import type { SqliteHandle } from '../db/index.ts';
import type { SourceName } from './tail-sql.ts';

const columns = {
  birth_registry: ['birth_id', 'object_key', 'object_type', 'born_at', 'permit_id', 'payload'],
  registry_changelog: ['id', 'object_key', 'change', 'born_at', 'payload'],
} as const satisfies Record<SourceName, readonly string[]>;

/** Asks the attached births.db whether a source is still what the tail relies on. */
export function readSource(handle: SqliteHandle, source: SourceName): SourceFact {
  const table = handle.prepare("SELECT sql FROM births.sqlite_schema WHERE type = 'table' AND name = ?").get(source) as
    | { sql: string }
    | undefined;
  const present = new Set((handle.pragma(`births.table_info(${source})`) as { name: string }[]).map((column) => column.name));
  const sequence = handle.prepare('SELECT seq FROM births.sqlite_sequence WHERE name = ?').get(source) as { seq: number } | undefined;
  return {
    source,
    present: table !== undefined,
    monotonic: /\bAUTOINCREMENT\b/i.test(table?.sql ?? ''),
    head: sequence?.seq ?? null,
    missing_columns: columns[source].filter((name) => !present.has(name)),
  };
}
