/** What the catalog says of a schema, as text that reads the same whatever version the server is. */
export async function dumpSchema(
  query: <Row extends Record<string, unknown>>(sql: string, params?: readonly unknown[]) => Promise<Row[]>,
  schema: string,
): Promise<string> {
  const columns = await query<{ table: string; line: string }>(
    `SELECT c.relname AS table, format('  %s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
       CASE WHEN co.collname IS NULL OR co.collname = 'default' THEN '' ELSE ' COLLATE "' || co.collname || '"' END,
       CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
       CASE WHEN a.attidentity <> '' THEN ' IDENTITY' WHEN d.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END) AS line
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v') ORDER BY c.relname, a.attnum`,
    [schema],
  );
  const rules = await query<{ table: string; line: string }>(
    `SELECT c.relname AS table, '  CONSTRAINT ' || k.conname || ' ' || pg_get_constraintdef(k.oid) AS line
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND k.contype <> 'n'
     UNION ALL
     SELECT tablename, '  INDEX ' || replace(indexdef, schemaname || '.', '') FROM pg_indexes
     WHERE schemaname = $1 AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY 1, 2`,
    [schema],
  );
  const tables = [...new Set(columns.map(({ table }) => table))];
  const lines = (rows: readonly { table: string; line: string }[], table: string) =>
    rows.filter((row) => row.table === table).map(({ line }) => line);
  return `${tables.map((table) => [table, ...lines(columns, table), ...lines(rules, table)].join('\n')).join('\n\n')}\n`;
}
