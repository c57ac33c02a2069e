import { objectKeyLimit } from '@govctl/core/handoff';
import { quoted } from '../db/index.ts';

export const sourceNames = ['birth_registry', 'registry_changelog'] as const;
export type SourceName = (typeof sourceNames)[number];

/** A birth table and how it calls its columns. */
export type SourceTable<Column extends string> = {
  readonly schema: string;
  readonly table: string;
  readonly columns: Readonly<Record<Column, string>> & {
    readonly payload?: string | undefined;
    readonly permit_id?: string | undefined;
  };
};

/** Where births are read: embedded tables of our own, or those of the software that owns births. */
export type SourceTables = {
  readonly birth_registry: SourceTable<'id' | 'object_key' | 'object_type' | 'born_at'>;
  readonly registry_changelog: SourceTable<'id' | 'object_key' | 'change' | 'born_at'>;
};

/** The embedded tables of `postgresBirthsMigrations`. */
export function embeddedSource(schema: string): SourceTables {
  const shared = { object_key: 'object_key', born_at: 'born_at', payload: 'payload' };
  return {
    birth_registry: {
      schema,
      table: 'birth_registry',
      columns: { id: 'birth_id', object_type: 'object_type', permit_id: 'permit_id', ...shared },
    },
    registry_changelog: { schema, table: 'registry_changelog', columns: { id: 'id', change: 'change', ...shared } },
  };
}

/** How the source keeps `born_at`. */
export type MomentKind = 'timestamptz' | 'timestamp' | 'text';

/** What the catalog adds to the mapping; without it (a table that is not there) the embedded form is supposed. */
export type SourceCatalog = {
  readonly moment: MomentKind;
  /** The sequence of the ids, where it may be read. */
  readonly sequence: string | null;
  /** An index finds rows by their object key. */
  readonly by_key: boolean;
};
export type SourceCatalogs = Readonly<Record<SourceName, SourceCatalog>>;

export const unknownCatalogs: SourceCatalogs = {
  birth_registry: { moment: 'text', sequence: null, by_key: false },
  registry_changelog: { moment: 'text', sequence: null, by_key: false },
};

/** SQL of one source, for a table alias `r`: every expression in the one form governance keeps. */
export type SourceSql = {
  readonly name: SourceName;
  readonly table: string;
  /** The id column as it is, so that its index is used. */
  readonly id: string;
  readonly object_key: string;
  readonly object_type: string;
  /** BORN for every row of the registry. */
  readonly change: string;
  /** `YYYY-MM-DDTHH:MM:SS.ffffffZ`; null where the source's value has no such form. Never a JavaScript Date. */
  readonly born_at: string;
  /** Why a row read as the above, for an alias `raw`, cannot be applied; null where it can. `formed`: `all_formed` as it was found. */
  readonly fault: (formed: string) => string;
  /** Of all rows of `raw` at once: whether every `born_at` that is there has its form. */
  readonly all_formed: string;
  /** The row as JSON, for whoever looks into the quarantine. */
  readonly json: string;
  /** Rows can be found by their object key without reading all of them. */
  readonly by_key: boolean;
  /** The highest id given out so far; that of a row that can be seen, where the sequence may not be read. */
  readonly head: string;
};

/**
 * Whether all texts have the form of `bornAtGlob`. PostgreSQL makes the states of a regular expression anew for every text, which was a
 * tenth of a drain; so the texts, each of them as long as it has to be, are matched as one.
 */
function formed(text: string): string {
  const one = String.raw`\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d[.]\d{6}Z`;
  return `bool_and(octet_length(${text}) = 27) AND string_agg(${text}, '') COLLATE "C" ~ '^(?:${one})*$'`;
}

/** Whether a text has not the form of `bornAtGlob`, where not all have it: at a third of what a regular expression costs. */
function formless(text: string): string {
  const tens = [
    [6, 1],
    [9, 3],
    [12, 2],
    [15, 5],
    [18, 5],
  ].map(([place, most]) => `substr(${text}, ${place}, 1) > '${most}'`);
  return `translate(${text}, '123456789', '000000000') <> '0000-00-00T00:00:00.000000Z' OR ${tens.join(' OR ')}`;
}
const momentFormat = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

function momentSql(column: string, kind: MomentKind): string {
  if (kind === 'text') return `(${column})::text COLLATE "C"`;
  const utc = kind === 'timestamptz' ? `${column} AT TIME ZONE 'UTC'` : column;
  // Outside these years, and at infinity, text order is not time order.
  return `CASE WHEN ${column} >= '0001-01-01' AND ${column} < '9999-12-31' THEN to_char(${utc}, ${momentFormat}) END COLLATE "C"`;
}

/** The SQL of a source, made from its mapping by quoting names. */
function sourceSql(tables: SourceTables, name: SourceName, catalog: SourceCatalog): SourceSql {
  const { schema, table, columns } = tables[name];
  const column = (of: string | undefined) => (of === undefined ? 'NULL' : `r.${quoted(of)}`);
  const text = (of: string | undefined) => `(${column(of)})::text COLLATE "C"`;
  const changelog = name === 'registry_changelog' ? tables.registry_changelog.columns : null;
  const registry = name === 'birth_registry' ? tables.birth_registry.columns : null;
  // What is made from a timestamp has the form already.
  const isText = catalog.moment === 'text';
  const orFormless = (known: string) => (isText ? ` OR (${known} IS NOT TRUE AND (${formless('raw.born_at')}))` : '');
  const [key, id] = [text(columns.object_key), column(columns.id)];
  const own =
    registry === null
      ? `'change', ${column(changelog?.change)}::text`
      : `'object_type', ${column(registry.object_type)}::text, 'permit_id', ${column(columns.permit_id)}::text`;
  const qualified = `${quoted(schema)}.${quoted(table)}`;
  return {
    name,
    table: qualified,
    id,
    object_key: key,
    object_type: registry === null ? 'NULL::text' : text(registry.object_type),
    change: changelog === null ? `'BORN'::text` : text(changelog.change),
    born_at: momentSql(column(columns.born_at), catalog.moment),
    fault: (known) => `CASE
        WHEN raw.object_key IS NULL OR length(raw.object_key) NOT BETWEEN 1 AND ${objectKeyLimit} THEN 'object_key is not text of 1 to ${objectKeyLimit} characters'
        WHEN raw.born_at IS NULL${orFormless(known)} THEN 'born_at is not a moment in UTC with six decimals'
        ${changelog === null ? '' : `WHEN raw.change IS NULL OR raw.change NOT IN ('BORN', 'CHANGED', 'RETIRED') THEN 'change is none of BORN, CHANGED, RETIRED'`} END`,
    all_formed: isText ? formed('raw.born_at') : 'true',
    json: `json_build_object('object_key', ${column(columns.object_key)}::text, 'born_at', ${column(columns.born_at)}::text, ${own}, 'payload', ${column(columns.payload)}::text)::text`,
    by_key: catalog.by_key,
    head:
      catalog.sequence === null
        ? `(SELECT coalesce(max(${id}), 0)::bigint FROM ${qualified} r)`
        : `(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ${catalog.sequence})`,
  };
}

export type SourcesSql = Readonly<Record<SourceName, SourceSql>>;

export function sourcesSql(tables: SourceTables, catalogs: SourceCatalogs): SourcesSql {
  return {
    birth_registry: sourceSql(tables, 'birth_registry', catalogs.birth_registry),
    registry_changelog: sourceSql(tables, 'registry_changelog', catalogs.registry_changelog),
  };
}
