import { isUtf8 } from 'node:buffer';
import { Problem } from './problem.ts';

export type StrictJsonLimits = {
  /** Deepest nesting of arrays and objects; 64 unless said. */
  readonly maxDepth?: number;
  /** Longest document in bytes; 1 MiB unless said. */
  readonly maxBytes?: number;
  /** Integers beyond 2^53 are rounded instead of refused: for documents of others, where none of them is read. */
  readonly inexactIntegers?: boolean;
};

export const defaultMaxDepth = 64;
export const defaultMaxBytes = 1024 * 1024;

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * JSON as two parties can agree on it (RFC 8259 within I-JSON, RFC 7493): UTF-8, no name twice in an object, no lone surrogates,
 * integers that a double holds exactly, finite numbers, bounded depth. JSON.parse alone is silent about all of these: it keeps the
 * last of two equal names, rounds 2^53 + 1 and turns 1e999 into Infinity. The name `__proto__` is refused, because whoever copies
 * such an object member by member changes a prototype instead.
 *
 * Size and depth are judged before anything is parsed.
 *
 * @throws Problem `payload-too-large` or `invalid-request`
 */
export function parseStrictJson(bytes: Uint8Array, limits: StrictJsonLimits = {}): unknown {
  const { maxDepth = defaultMaxDepth, maxBytes = defaultMaxBytes } = limits;
  if (bytes.byteLength > maxBytes) {
    throw new Problem('payload-too-large', { detail: `the document has ${bytes.byteLength} bytes; the limit is ${maxBytes}` });
  }
  if (!isUtf8(bytes)) throw refused('it is not UTF-8');
  const members = countMembers(bytes, maxDepth);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const value = parse(text);
  const walk: Walk = { members: 0, unsafe: false, wellFormed: !text.includes('\\u') };
  inspect(value, walk);
  if (walk.members !== members) throw refused(`an object has the name ${JSON.stringify(firstDuplicate(text))} twice`);
  if (walk.unsafe && limits.inexactIntegers !== true) requireExactIntegers(text);
  return value;
}

/** One pass over the bytes: the depth, and how many members the objects have together (their colons). */
function countMembers(bytes: Uint8Array, maxDepth: number): number {
  const end = bytes.length;
  let depth = 0;
  let members = 0;
  for (let at = 0; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === quote) {
      at += 1;
      while (at < end && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
    } else if (byte === colon) members += 1;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > maxDepth) throw refused(`it is nested deeper than ${maxDepth}`);
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return members;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(cause instanceof SyntaxError ? syntaxReason(text, cause.message) : String(cause));
  }
}

/** The engine's own message quotes the document, which may hold a secret: only a place or one character is told. */
function syntaxReason(text: string, message: string): string {
  const place = /at position (\d+)/.exec(message)?.[1];
  if (place !== undefined) return `it is malformed at byte ${Buffer.byteLength(text.slice(0, Number(place)))}`;
  const [, character] = /^Unexpected token '(.)'/su.exec(message) ?? [];
  return character === undefined ? 'it is empty or ends too early' : `${JSON.stringify(character)} stands where it may not`;
}

type Walk = { members: number; unsafe: boolean; readonly wellFormed: boolean };

function inspect(value: unknown, walk: Walk): void {
  if (typeof value === 'string') {
    if (!walk.wellFormed && !value.isWellFormed()) throw refused('a string has a lone surrogate');
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refused('a number is too large');
    if (!walk.unsafe && Number.isInteger(value) && !Number.isSafeInteger(value)) walk.unsafe = true;
  } else if (Array.isArray(value)) {
    for (const element of value) inspect(element, walk);
  } else if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value);
    walk.members += names.length;
    for (const name of names) {
      if (name === '__proto__') throw refused('an object has the name "__proto__"');
      if (!walk.wellFormed && !name.isWellFormed()) throw refused('a name has a lone surrogate');
      inspect((value as Record<string, unknown>)[name], walk);
    }
  }
}

const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\]:,]/gs;

/** Runs only when a number came out beyond 2^53: written with a fraction or an exponent it was meant as a double. */
function requireExactIntegers(text: string): void {
  for (const [literal] of text.matchAll(token)) {
    if (/^-?\d+$/.test(literal) && !Number.isSafeInteger(Number(literal)))
      throw refused(`the integer ${literal.slice(0, 40)} is beyond 2^53 - 1; write it as a string`);
  }
}

/** Runs only when members are missing from the parsed value: finds the name to tell. */
function firstDuplicate(text: string): string {
  const open: (Set<string> | undefined)[] = [];
  let last = '';
  for (const [literal] of text.matchAll(token)) {
    if (literal === '{') open.push(new Set());
    else if (literal === '[') open.push(undefined);
    else if (literal === '}' || literal === ']') open.pop();
    else if (literal === ':') {
      const name: unknown = JSON.parse(last);
      const names = open.at(-1);
      if (typeof name !== 'string' || names === undefined) continue;
      if (names.has(name)) return name;
      names.add(name);
    } else last = literal;
  }
  return '';
}

function refused(why: string): Problem {
  return new Problem('invalid-request', { detail: `the JSON document is refused: ${why}` });
}
