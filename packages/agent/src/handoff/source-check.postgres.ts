import { type PostgresRun, quoted } from '../db/index.ts';
import {
  type MomentKind,
  type SourceCatalog,
  type SourceCatalogs,
  type SourceName,
  type SourceTables,
  sourceNames,
  unknownCatalogs,
} from './source.postgres.ts';

/** What does not fit, in words for an operator; `sql` mends it, run by whoever owns the table. */
export type SourceFinding = { readonly source: SourceName; readonly detail: string; readonly sql?: string };
export type SourceCheck = { readonly findings: readonly SourceFinding[]; readonly catalogs: SourceCatalogs };

type TableRow = {
  readonly oid: number;
  readonly relkind: string;
  readonly relpersistence: string;
  readonly readable: boolean;
  readonly row_security: boolean;
  readonly inherited: boolean;
  readonly odd_leaves: string | null;
};

type ColumnRow = {
  readonly name: string;
  readonly type: string;
  readonly category: string;
  readonly is_c: boolean;
  readonly leads_index: boolean;
};

type SequenceRow = {
  readonly name: string;
  readonly relation: string;
  readonly cache: number;
  readonly increment: number;
  readonly cycle: boolean;
  readonly readable: boolean;
};

const sql = {
  table: `SELECT c.oid::bigint AS oid, c.relkind, c.relpersistence, has_table_privilege(c.oid, 'SELECT') AS readable,
      row_security_active(c.oid) AS row_security, c.relkind <> 'p' AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid) AS inherited,
      (SELECT string_agg(l.oid::regclass::text, ', ') FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
        WHERE l.relkind NOT IN ('r', 'p') OR l.relpersistence <> 'p') AS odd_leaves
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :table`,
  schema: `SELECT has_schema_privilege(n.oid, 'USAGE') AS usable, current_user::text AS role FROM pg_namespace n WHERE n.nspname = :schema`,
  columns: `SELECT a.attname::text AS name, t.typname::text AS type, t.typcategory::text AS category,
      coalesce((SELECT collname = 'C' FROM pg_collation WHERE oid = a.attcollation), false) AS is_c,
      EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indkey[0] = a.attnum AND i.indpred IS NULL) AS leads_index
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = (:oid)::oid AND a.attnum > 0 AND NOT a.attisdropped`,
  // Of a default nextval(...), and of an identity column; of the table and of every partition of it.
  sequences: `SELECT DISTINCT format('%I.%I', n.nspname, s.relname) AS name, a.attrelid::regclass::text AS relation, q.seqcache AS cache,
      q.seqincrement AS increment, q.seqcycle AS cycle, has_sequence_privilege(s.oid, 'SELECT') AS readable
    FROM (SELECT (:oid)::oid AS relid UNION SELECT relid::oid FROM pg_partition_tree((:oid)::oid::regclass)) tree
      JOIN pg_attribute a ON a.attrelid = tree.relid AND a.attname = :id
      LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
      JOIN pg_depend d ON (d.classid = 'pg_attrdef'::regclass AND d.objid = ad.oid AND d.refclassid = 'pg_class'::regclass)
        OR (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum)
      JOIN pg_class s ON s.relkind = 'S' AND s.oid = CASE WHEN d.classid = 'pg_attrdef'::regclass THEN d.refobjid ELSE d.objid END
      JOIN pg_namespace n ON n.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid`,
} as const;

const integers = new Set(['int2', 'int4', 'int8']);
const moments: Readonly<Record<string, MomentKind>> = { timestamptz: 'timestamptz', timestamp: 'timestamp', text: 'text', varchar: 'text' };

/**
 * Asks the catalog whether the birth tables are what the tail relies on: columns and their types, ids from a sequence that no session
 * keeps in reserve, tables that survive a crash. Reads only the catalog; nothing is ever made on or in the tables.
 */
export async function checkSource(run: PostgresRun, tables: SourceTables): Promise<SourceCheck> {
  const findings: SourceFinding[] = [];
  const catalogs: Record<SourceName, SourceCatalog> = { ...unknownCatalogs };
  for (const name of sourceNames) {
    const found = await checkTable(run, tables, name);
    findings.push(...found.findings);
    if (found.catalog !== null) catalogs[name] = found.catalog;
  }
  return { findings, catalogs };
}

type TableCheck = { readonly findings: readonly SourceFinding[]; readonly catalog: SourceCatalog | null };

async function checkTable(run: PostgresRun, tables: SourceTables, source: SourceName): Promise<TableCheck> {
  const { schema, table, columns } = tables[source];
  const what = `${quoted(schema)}.${quoted(table)}`;
  const findings: SourceFinding[] = [];
  const finding = (detail: string, mend?: string) => findings.push({ source, detail, ...(mend === undefined ? {} : { sql: mend }) });
  const [namespace] = (await run<{ usable: boolean; role: string }>(sql.schema, { schema })).rows;
  const [found] = (await run<TableRow>(sql.table, { schema, table })).rows;
  if (namespace === undefined || found === undefined) {
    finding(`there is no table ${what}`);
    return { findings, catalog: null };
  }
  if (!namespace.usable)
    finding(`the role ${namespace.role} may not use the schema`, `GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${quoted(namespace.role)}`);
  if (!found.readable) finding(`the role ${namespace.role} may not read ${what}`, `GRANT SELECT ON ${what} TO ${quoted(namespace.role)}`);
  if (found.relkind !== 'r' && found.relkind !== 'p')
    finding(`${what} is a view or a foreign table: the locks of its writers cannot be seen`);
  if (found.relpersistence !== 'p') finding(`${what} is unlogged or temporary: a crash empties it`, `ALTER TABLE ${what} SET LOGGED`);
  if (found.odd_leaves !== null) finding(`partitions of ${what} are foreign or unlogged: ${found.odd_leaves}`);
  if (found.inherited) finding(`other tables inherit from ${what}, and it is not partitioned`);
  if (found.row_security) finding(`row security hides rows of ${what} from this role`, `ALTER ROLE ${quoted(namespace.role)} BYPASSRLS`);

  const there = new Map((await run<ColumnRow>(sql.columns, { oid: found.oid })).rows.map((column) => [column.name, column]));
  const wanted = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const missing = wanted.filter(([, name]) => !there.has(name)).map(([role, name]) => (role === name ? name : `${name} (${role})`));
  if (missing.length > 0) finding(`columns are missing: ${missing.join(', ')}`);
  for (const [role, name] of wanted) {
    const column = there.get(name);
    if (column !== undefined && !usable(role, column)) finding(`column ${name} (${role}) is of type ${column.type}, which cannot be used`);
  }
  const id = there.get(columns.id);
  if (id !== undefined && !id.leads_index)
    finding(`no index of ${what} begins with ${columns.id}`, `CREATE INDEX CONCURRENTLY ON ${what} (${quoted(columns.id)})`);

  const sequences = (await run<SequenceRow>(sql.sequences, { oid: found.oid, id: columns.id })).rows;
  const names = new Set(sequences.map((sequence) => sequence.name));
  const [sequence] = sequences;
  if (sequence === undefined) finding(`${columns.id} has no sequence: ids given out by an application may appear below what was read`);
  if (names.size > 1) finding(`the ids come from several sequences: ${[...names].join(', ')}`);
  for (const one of new Map(sequences.map((each) => [each.name, each])).values()) {
    if (one.cache !== 1)
      finding(
        `the sequence ${one.name} has CACHE ${one.cache}: sessions use ids long after they drew them`,
        `ALTER SEQUENCE ${one.name} CACHE 1`,
      );
    if (one.increment < 1 || one.cycle)
      finding(`the sequence ${one.name} goes down or starts over`, `ALTER SEQUENCE ${one.name} INCREMENT 1 NO CYCLE`);
  }
  const key = there.get(columns.object_key);
  const catalog: SourceCatalog = {
    moment: moments[there.get(columns.born_at)?.type ?? ''] ?? 'text',
    sequence: sequence?.readable === true ? sequence.name : null,
    by_key: key?.leads_index === true && key.is_c && (key.type === 'text' || key.type === 'varchar'),
  };
  return { findings, catalog };
}

function usable(role: string, { type, category }: ColumnRow): boolean {
  if (role === 'id') return integers.has(type);
  if (role === 'born_at') return type in moments;
  if (role === 'payload' || role === 'permit_id') return true;
  const isText = category === 'S' || category === 'E';
  return role === 'object_key' ? isText || type === 'uuid' || integers.has(type) : isText;
}
