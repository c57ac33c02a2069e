import { Problem } from '@govctl/core/api';

/** Text of one field: strings and numbers raw, a line for each element of a list of such, the rest as JSON. */
export function formatField(document: unknown, path: string): string {
  const found = valuesAt(document, parsePath(path), path, document);
  return `${found.map((value) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value))).join('\n')}\n`;
}

/** `decision.run_id`, `gates[0].code`, `gates[].code`. */
function parsePath(path: string): (string | number | 'each')[] {
  const parts: (string | number | 'each')[] = [];
  const pattern = /(?:^|\.)([^.[\]]+)|\[(\d*)\]/gy;
  let end = 0;
  for (let match = pattern.exec(path); match !== null; match = pattern.exec(path)) {
    end = pattern.lastIndex;
    if (match[1] !== undefined) parts.push(match[1]);
    else parts.push(match[2] === '' || match[2] === undefined ? 'each' : Number(match[2]));
  }
  if (end !== path.length || parts.length === 0) {
    throw new Problem('usage', {
      detail: `--field ${path} is not a path`,
      hint: 'write it like decision.run_id, gates[0].code or gates[].code',
    });
  }
  return parts;
}

function valuesAt(value: unknown, parts: readonly (string | number | 'each')[], path: string, whole: unknown): unknown[] {
  const [part, ...rest] = parts;
  if (part === undefined) return Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null) ? value : [value];
  if (part === 'each' && Array.isArray(value)) return value.flatMap((item) => valuesAt(item, rest, path, whole));
  const isKey = Array.isArray(value) ? typeof part === 'number' : typeof value === 'object' && value !== null;
  if (part !== 'each' && isKey && Object.hasOwn(value as object, part)) {
    return valuesAt((value as Readonly<Record<string | number, unknown>>)[part], rest, path, whole);
  }
  const there =
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).join(', ')
      : Array.isArray(value)
        ? `a list of ${value.length}`
        : 'a plain value';
  throw new Problem('usage', { detail: `the result has no field ${path}`, hint: `there it has: ${there}` });
}
