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
  requireJson(value, '', 0);
  const text = attempt(value);
  if (text === undefined) throw notJson('', 'undefined');
  return text;
}

/** SHA-256 of the RFC 8785 form, written `sha256:<hex>`. */
export function jcsDigest(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}

function attempt(value: unknown): string | undefined {
  try {
    return canonicalize(value);
  } catch (cause) {
    throw new Problem('unprocessable', { detail: `not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause });
  }
}

function requireJson(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw notJson(path, String(value));
      return;
    case 'object':
      break;
    default:
      throw notJson(path, typeof value);
  }
  if (value === null) return;
  if (depth >= maxDepth) throw notJson(path, `nested deeper than ${maxDepth}`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) requireJson(value[index], `${path}/${index}`, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson(path, value.constructor?.name ?? 'an object with a prototype');
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') throw notJson(path, 'an object with toJSON');
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) requireJson(member, `${path}/${key}`, depth + 1);
  }
}

function notJson(path: string, what: string): Problem {
  return new Problem('unprocessable', { detail: `not JSON at ${path === '' ? 'the root' : path}: ${what}` });
}
