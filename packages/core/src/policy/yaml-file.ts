import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { pathText, readAs } from '../api/fault.ts';

/** Something wrong in a file that people write: where, and what. Lines and columns count from 1. */
export type FileProblem = { readonly path: string; readonly line: number; readonly column: number; readonly message: string };

export type YamlFile<T> = {
  /** The parsed and closed value; undefined when there are problems. */
  readonly value: T | undefined;
  readonly problems: readonly FileProblem[];
  /** Where a path of the value stands, for what later checks find. */
  at(path: readonly PropertyKey[]): { readonly line: number; readonly column: number };
};

const maxBytes = 1024 * 1024;
const maxDepth = 100;
const maxErrors = 20;

/**
 * Reads one YAML document against a closed schema and reports everything that is wrong with it at once, with path and line.
 * Aliases are refused: a small file must not become a large value.
 */
export function readYaml<S extends z.ZodType>(source: string, schema: S): YamlFile<z.infer<S>> {
  const lines = new LineCounter();
  const start = { line: 1, column: 1 };
  const refused = (message: string) => ({ value: undefined, problems: [{ path: '', ...start, message }], at: () => start });
  if (source.length > maxBytes) return refused(`larger than ${maxBytes} bytes`);
  if (nestsTooDeep(source)) return refused('nested too deeply');
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true, version: '1.2', merge: false });
  const position = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const at = (path: readonly PropertyKey[]) => position(nodeAt(document, path)?.range?.[0]);
  if (document.errors.length > 0) {
    // One bracket too many can make an error of every line after it: the first ones say what to mend.
    const problems = document.errors.slice(0, maxErrors).map((error) => ({ path: '', ...position(error.pos[0]), message: said(error) }));
    const more = document.errors.length - problems.length;
    return { value: undefined, problems: more === 0 ? problems : [...problems, { path: '', ...start, message: `and ${more} more` }], at };
  }
  let json: unknown;
  try {
    json = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
  if (json === null || json === undefined) return refused('the file is empty');
  const read = readAs(schema, json);
  if (read.ok) return { value: read.value, problems: [], at };
  const problems = read.faults.map(({ path, message }) => ({
    path: pathText(path),
    // A field that stands there is shown by its name, one that is missing by what it is missing in.
    ...position(keyOffset(document, path) ?? nodeAt(document, path)?.range?.[0]),
    message,
  }));
  return { value: undefined, problems, at };
}

/**
 * Whether a text nests deeper than anything people write. Asked before it is parsed: the parser's time grows with the square of the depth, and
 * a hundred thousand brackets would keep a daemon from everybody else for half a minute. What is quoted is not told apart, so that only
 * a text with so many brackets that are not closed again is wrongly refused.
 */
export function nestsTooDeep(source: string): boolean {
  if (new RegExp(`^[ \\t]*(?:[-?:][ \\t]+){${maxDepth}}`, 'm').test(source)) return true;
  let depth = 0;
  for (let at = 0; at < source.length; at += 1) {
    const code = source.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) depth += 1;
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}

function said({ message }: Error): string {
  // The library tells its own exhaustion as an error of the file.
  if (message.startsWith('Maximum call stack')) return 'nested too deeply';
  return message.split('\n')[0] ?? message;
}

// The nearest node that exists: a field that is missing is reported at its parent.
function nodeAt(document: Document, path: readonly PropertyKey[]): Node | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node;
  }
  return document.contents ?? undefined;
}

function keyOffset(document: Document, path: readonly PropertyKey[]): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1));
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
}
