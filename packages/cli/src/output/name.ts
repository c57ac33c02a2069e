import type { Document } from './result.ts';

/** The id of one thing: `<kind>_id` first, then what else names things here. */
function nameOf(value: unknown, kind: string | undefined): string | undefined {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const own = kind === undefined ? undefined : `${kind.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()}_id`;
  const names = [
    own,
    'name',
    'run_id',
    'key_id',
    'ref',
    'code',
    'digest',
    'id',
    ...Object.keys(fields).filter((key) => key.endsWith('_id') || key.endsWith('_key')),
  ];
  for (const name of names) {
    const found = name === undefined ? undefined : fields[name];
    if (typeof found === 'string') return found;
  }
  return undefined;
}

/** What `-o name` prints: an id a line, of the document or of the items of a list. */
export function namesOf(document: Document): string[] {
  const items = Array.isArray(document.items) ? document.items : undefined;
  if (items === undefined) {
    const name = nameOf(document, document.kind);
    return name === undefined ? [] : [name];
  }
  const kind = document.kind.replace(/List$/, '');
  return items.map((item) => nameOf(item, kind)).filter((name) => name !== undefined);
}
