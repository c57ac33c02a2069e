type Json = { readonly [key: string]: unknown };

export type FieldRow = { readonly path: string; readonly type: string; readonly required: boolean; readonly note: string };

function typeOf(schema: Json): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' \\| ');
  const options = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (options !== undefined) return [...new Set(options.map(typeOf))].join(' \\| ');
  if (schema.type === 'array') return `list of ${typeOf((schema.items ?? {}) as Json)}`;
  if (schema.type === 'string' && schema.format === 'date-time') return 'time';
  return typeof schema.type === 'string' ? schema.type : 'any';
}

function noteOf(schema: Json): string {
  const parts = [typeof schema.description === 'string' ? schema.description : ''];
  if (schema.default !== undefined && typeof schema.default !== 'object') parts.push(`Default ${JSON.stringify(schema.default)}.`);
  return parts
    .filter((part) => part !== '')
    .join(' ')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ');
}

/** The fields of a JSON schema, nested ones under their path: `gates[].code`, `contexts.<name>.socket`. */
export function fieldRows(schema: Json, path = '', required = true): FieldRow[] {
  const options = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  const nested = options?.find((option) => option.type === 'object' || option.type === 'array') ?? schema;
  const self = path === '' ? [] : [{ path, type: typeOf(schema), required, note: noteOf(schema) }];
  if (nested.type === 'array') {
    const items = (nested.items ?? {}) as Json;
    return [...self, ...fieldRows(items, `${path}[]`).filter((row) => row.path !== `${path}[]`)];
  }
  const properties = Object.entries((nested.properties ?? {}) as Record<string, Json>);
  const needed = new Set((nested.required ?? []) as string[]);
  const rows = properties.flatMap(([name, value]) => fieldRows(value, path === '' ? name : `${path}.${name}`, needed.has(name)));
  const values = nested.additionalProperties;
  const named = typeof values === 'object' && values !== null ? fieldRows(values as Json, `${path}.<name>`) : [];
  return [...self, ...rows, ...named];
}

export function fieldTable(schema: Json, requiredColumn = true): string {
  const rows = fieldRows(schema);
  if (rows.length === 0) return '';
  const head = requiredColumn ? '| field | type | | |\n|---|---|---|---|\n' : '| field | type | |\n|---|---|---|\n';
  const lines = rows.map(
    ({ path, type, required, note }) => `| \`${path}\` | ${type} |${requiredColumn ? ` ${required ? 'required' : ''} |` : ''} ${note} |\n`,
  );
  return head + lines.join('');
}
