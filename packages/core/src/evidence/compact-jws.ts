import type { KeyObject } from 'node:crypto';
import { parseStrictJson } from '../api/strict-json.ts';

type Jose = typeof import('jose');
// Loaded when first needed: most commands that import this folder never see a token.
let loaded: Promise<Jose> | undefined;
export const jose = (): Promise<Jose> => {
  loaded ??= import('jose');
  return loaded;
};

/** What a caller believes of a token before it looks at it: never taken from the token. */
export type JwsExpectation = {
  /** The one algorithm; a header that names another is refused. */
  readonly algorithm: string;
  /** The key for a header that was read and found well-formed, or why there is none. */
  readonly keyFor: (header: unknown) => KeyObject | 'malformed' | 'untrusted';
  readonly maxBytes: { readonly header: number; readonly payload: number };
};

export type CheckedJws =
  | { readonly ok: true; readonly payload: Uint8Array }
  | { readonly ok: false; readonly reason: 'malformed' | 'untrusted' };

/**
 * Verifies a compact JWS (RFC 7515) in the one spelling it may have: three parts of canonical base64url, and a header that is JSON as
 * `JSON.stringify` writes it. jose forgives more than that (spaces, stray bits, the last of two equal names), and a token with two
 * spellings is a token that two readers may read differently. Never throws on a hostile token.
 */
export async function checkCompactJws(token: string, expected: JwsExpectation): Promise<CheckedJws> {
  // Each base64url character carries 6 bits; an Ed25519 signature has 86 of them, and the longest RSA one that vectors have 683.
  if (token.length > Math.ceil(((expected.maxBytes.header + expected.maxBytes.payload) * 4) / 3) + 1024) return refuse('malformed');
  const [header, payload] = partsOf(token) ?? [];
  if (header === undefined || payload === undefined) return refuse('malformed');
  if (header.length > expected.maxBytes.header || payload.length > expected.maxBytes.payload) return refuse('malformed');
  const read = readOneSpelling(header);
  if (read === undefined || !isPlain(read, expected.algorithm)) return refuse('malformed');
  const key = expected.keyFor(read.value);
  if (typeof key === 'string') return refuse(key);
  const { compactVerify, errors } = await jose();
  try {
    const verified = await compactVerify(token, key, { algorithms: [expected.algorithm] });
    return { ok: true, payload: verified.payload };
  } catch (error) {
    return refuse(error instanceof errors.JWSSignatureVerificationFailed ? 'untrusted' : 'malformed');
  }
}

/** JSON that says one thing in one way: what `JSON.stringify` writes, no name twice, no escape where none is needed. */
export function readOneSpelling(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    const value = parseStrictJson(bytes, { maxDepth: 4 });
    return JSON.stringify(value) === bytes.toString('utf8') ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function partsOf(token: string): Buffer[] | undefined {
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/.exec(token)?.slice(1);
  if (parts === undefined) return undefined;
  // Decoders drop stray bits: only what encodes back to itself is taken.
  const bytes = parts.map((part) => Buffer.from(part, 'base64url'));
  return bytes.every((part, at) => part.toString('base64url') === parts[at]) ? bytes : undefined;
}

/** One algorithm and no extensions: jose knows `b64`, which signs other bytes than the ones that are sent. */
function isPlain({ value }: { readonly value: unknown }, algorithm: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (value as { alg?: unknown }).alg === algorithm && !('crit' in value) && !('b64' in value);
}

function refuse(reason: 'malformed' | 'untrusted'): CheckedJws {
  return { ok: false, reason };
}
