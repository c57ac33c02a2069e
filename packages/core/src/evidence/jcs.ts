import canonicalize from 'canonicalize';
import { Problem } from '../api/problem.ts';
import { type Digest, digestOf } from './digest.ts';

// Deeper than any request may nest (64), low enough that a cycle ends in an error rather than in a full stack.
const maxDepth = 200;

/**
 * RFC 8785 canonical JSON. Only for digests that several parties derive from the same structured data; signatures are made over
 * stored bytes, never over this. A member that is `undefined` is absent, as in JSON.stringify; anything else that is not JSON
 * (NaN, bigint, Date, Map, function, lone surrogate, a hole in an array) is refused rather than silently turned into something else.
 *
 * @throws Problem `unprocessable`
 */
export function canonicalJson(value: unknown): string {
  const walk: Walk = { portable: true, path: [] };
  const ordered = order(value, walk);
  // RFC 8785 is JSON.stringify over sorted names, and the engine's own is several times faster than any loop. What the engine would
  // order in its own way is left to the library; a test holds the two equal.
  const text = walk.portable ? JSON.stringify(ordered) : canonicalize(value);
  if (text === undefined) throw notJson(walk, 'undefined');
  return text;
}

/** SHA-256 of the RFC 8785 form, written `sha256:<hex>`. */
export function jcsDigest(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}

type Walk = {
  /** False once a name was seen that an object cannot hold in sorted place: `10` comes before `9`, `__proto__` is no member. */
  portable: boolean;
  /** Where the walk is, for the message. */
  readonly path: (string | number)[];
};

/** Checks a value and answers it with every object's names in order; what is in order already is answered as it is. */
function order(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw notJson(walk, 'a lone surrogate');
      return value;
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw notJson(walk, String(value));
      return value;
    case 'object':
      break;
    default:
      throw notJson(walk, typeof value);
  }
  if (value === null) return value;
  if (walk.path.length >= maxDepth) throw notJson(walk, `nested deeper than ${maxDepth}`);
  return Array.isArray(value) ? orderArray(value, walk) : orderObject(value, walk);
}

function orderArray(value: readonly unknown[], walk: Walk): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < value.length; index += 1) {
    const element = value[index];
    const ordered = orderMember(element, index, walk);
    if (ordered !== element) copy ??= value.slice(0, index);
    copy?.push(ordered);
  }
  return copy ?? value;
}

function orderObject(value: object, walk: Walk): object {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson(walk, value.constructor?.name ?? 'an object with a prototype');
  const members = value as Record<string, unknown>;
  if (typeof members.toJSON === 'function') throw notJson(walk, 'an object with toJSON');
  const names = Object.keys(members);
  const sorted = requireNames(names, walk);
  let copy: Record<string, unknown> | undefined = sorted ? undefined : {};
  if (!sorted) names.sort();
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at] ?? '';
    const member = members[name];
    if (member === undefined) continue;
    const ordered = orderMember(member, name, walk);
    if (ordered !== member) copy ??= Object.fromEntries(names.slice(0, at).map((earlier) => [earlier, members[earlier]]));
    if (copy !== undefined) copy[name] = ordered;
  }
  return copy ?? value;
}

/** Checks the names of one object; true when they are in order. */
function requireNames(names: readonly string[], walk: Walk): boolean {
  let sorted = true;
  let before = '';
  for (const name of names) {
    if (name < before) sorted = false;
    before = name;
    const first = name.charCodeAt(0);
    if ((first >= 0x30 && first <= 0x39) || name === '__proto__') walk.portable = false;
    if (!name.isWellFormed()) throw notJson(walk, 'a name with a lone surrogate');
  }
  return sorted;
}

function orderMember(member: unknown, name: string | number, walk: Walk): unknown {
  walk.path.push(name);
  const ordered = order(member, walk);
  walk.path.pop();
  return ordered;
}

function notJson({ path }: Walk, what: string): Problem {
  return new Problem('unprocessable', { detail: `not JSON at ${path.length === 0 ? 'the root' : `/${path.join('/')}`}: ${what}` });
}
