import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import type { z } from 'zod';

/** One thing wrong with a file, where it stands. Lines and columns count from 1. */
export type Finding = { readonly path: string; readonly line: number; readonly column: number; readonly message: string };

export type Validated<T> =
  | {
      readonly ok: true;
      readonly value: T /** Line of every value that the text itself sets, by path. */;
      readonly lines: ReadonlyMap<string, number>;
    }
  | { readonly ok: false; readonly findings: readonly Finding[] };

type PathPart = PropertyKey;

/** `listeners.operator.socket`, `contexts.local`, `packs[0].name`. */
export function pathText(path: readonly PathPart[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`)).join('');
}

/**
 * Reads one YAML document and checks it against a schema, and tells all that is wrong at once, each with path, line and
 * column: syntax errors, names given twice, anchors and tags (a configuration is data), then whatever the schema finds.
 */
export function validateYaml<S extends z.ZodType>(text: string, schema: S): Validated<z.output<S>> {
  const counter = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: counter, uniqueKeys: true, strict: true, version: '1.2', schema: 'core' });
  const at = (offset: number) => {
    const position = counter.linePos(offset);
    return { line: Math.max(1, position.line), column: Math.max(1, position.col) };
  };
  if (parsed.errors.length > 0) {
    return { ok: false, findings: parsed.errors.map((error) => ({ path: '', ...at(error.pos[0]), message: firstLine(error.message) })) };
  }

  const positions = new Map<string, { line: number; column: number }>();
  const findings: Finding[] = [];
  const walk = (node: ParsedNode | Node | null | undefined, path: PathPart[]): void => {
    const place = at(node?.range?.[0] ?? 0);
    if (!positions.has(pathText(path))) positions.set(pathText(path), place);
    if (isAlias(node)) findings.push({ path: pathText(path), ...place, message: 'aliases are not allowed: write the value out' });
    else if (node?.tag !== undefined && !node.tag.startsWith('tag:yaml.org,2002:'))
      findings.push({ path: pathText(path), ...place, message: `the tag ${node.tag} is not allowed` });
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = pair.key as Node;
        const name = isScalar(key) ? String(key.value) : '';
        // The line of a setting is the line of its name, where a reader looks for it.
        positions.set(pathText([...path, name]), at(key.range?.[0] ?? 0));
        walk(pair.value as Node | null, [...path, name]);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item as Node, [...path, index]);
    }
  };
  walk(parsed.contents, []);
  if (findings.length > 0) return { ok: false, findings };

  const result = schema.safeParse(parsed.toJS({ maxAliasCount: 0 }));
  if (result.success) return { ok: true, value: result.data, lines: new Map([...positions].map(([path, place]) => [path, place.line])) };
  const placeOf = (path: readonly PathPart[]) => {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = positions.get(pathText(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return { line: 1, column: 1 };
  };
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        findings.push({ path: pathText([...issue.path, key]), ...placeOf([...issue.path, key]), message: 'no such setting' });
    } else findings.push({ path: pathText(issue.path), ...placeOf(issue.path), message: issue.message });
  }
  findings.sort((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, findings };
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}
