import { z } from 'zod';
import { faultText, readAs } from '../api/fault.ts';
import { Problem } from '../api/problem.ts';
import { parseStrictJson } from '../api/strict-json.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type Digest, digestHex, equalBytes } from './digest.ts';
import { type Envelope, envelopeOf, type RecordSignature } from './dsse.ts';
import { keyidOf } from './key.ts';

/** An entry bundle writes the length of an entry in two bytes. */
export const maxLeafBytes = 0xffff;

/**
 * The logged body of a record: payload digest, signatures and keys in the Rekor v2 `dsse/0.0.2` shape, RFC 8785 form; the payload is
 * never in it. The members are written in JCS order by hand: this runs for every leaf, and only base64 varies.
 */
export function leafBody(payloadDigest: Digest, signatures: readonly Omit<RecordSignature, 'keyid'>[]): Uint8Array {
  const digest = Buffer.from(digestHex(payloadDigest), 'hex').toString('base64');
  const written = signatures.map(
    ({ sig, public_key_spki }) =>
      `{"content":"${encodeBase64(sig)}","verifier":{"keyDetails":"PKIX_ED25519","publicKey":{"rawBytes":"${encodeBase64(public_key_spki)}"}}}`,
  );
  return Buffer.from(
    `{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":{"algorithm":"SHA2_256","digest":"${digest}"},"signatures":[${written.join(',')}]}}}`,
  );
}

/** What a leaf says: the digest of a payload, and who signed it. */
export type Leaf = { readonly payload_digest: Digest; readonly signatures: readonly RecordSignature[] };

const signatureSchema = z.strictObject({
  content: z.string(),
  verifier: z.strictObject({ keyDetails: z.literal('PKIX_ED25519'), publicKey: z.strictObject({ rawBytes: z.string() }) }),
});

const leafSchema = z.strictObject({
  apiVersion: z.literal('0.0.2'),
  kind: z.literal('dsse'),
  spec: z.strictObject({
    dsseV002: z.strictObject({
      payloadHash: z.strictObject({ algorithm: z.literal('SHA2_256'), digest: z.string() }),
      signatures: z.array(signatureSchema).min(1).max(64),
    }),
  }),
});

/**
 * Reads a logged body back. Only the bytes `leafBody` writes are accepted, so that a leaf says one thing in one way.
 *
 * @throws Problem `integrity`
 */
export function parseLeafBody(body: Uint8Array): Leaf {
  return asWritten(body) ?? parseAnyLeafBody(body);
}

const onlySignature =
  /^\{"apiVersion":"0\.0\.2","kind":"dsse","spec":\{"dsseV002":\{"payloadHash":\{"algorithm":"SHA2_256","digest":"([A-Za-z0-9+/]{43}=)"\},"signatures":\[\{"content":"([A-Za-z0-9+/=]+)","verifier":\{"keyDetails":"PKIX_ED25519","publicKey":\{"rawBytes":"([A-Za-z0-9+/=]+)"\}\}\}\]\}\}\}$/;

/** The leaf of one signature exactly as `leafBody` writes it, which nearly all are: a whole log is read again through here. */
function asWritten(body: Uint8Array): Leaf | undefined {
  if (body.byteLength > maxLeafBytes) return undefined;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const [, digest, content, rawBytes] = onlySignature.exec(text) ?? [];
  if (digest === undefined || content === undefined || rawBytes === undefined) return undefined;
  const [hash, sig, key] = [decodeBase64(digest), decodeBase64(content), keyOf(rawBytes)];
  // What is not strict base64 is told why by the other way.
  if (hash?.byteLength !== 32 || sig === undefined || key === undefined) return undefined;
  return {
    payload_digest: `sha256:${Buffer.from(hash.buffer, hash.byteOffset, 32).toString('hex')}`,
    signatures: [{ keyid: key.keyid, public_key_spki: key.public_key_spki, sig }],
  };
}

type NamedKey = Pick<RecordSignature, 'keyid' | 'public_key_spki'>;
const keysAtMost = 16;
const keys = new Map<string, NamedKey>();

/** A log has few keys, and a leaf names one each time. */
function keyOf(rawBytes: string): NamedKey | undefined {
  const known = keys.get(rawBytes);
  if (known !== undefined) return known;
  const spki = decodeBase64(rawBytes);
  if (spki === undefined) return undefined;
  if (keys.size >= keysAtMost) keys.clear();
  const key = { keyid: keyidOf(spki), public_key_spki: spki };
  keys.set(rawBytes, key);
  return key;
}

function parseAnyLeafBody(body: Uint8Array): Leaf {
  const parsed = readAs(leafSchema, readJson(body));
  if (!parsed.ok) throw malformed(faultText(parsed.faults));
  const { payloadHash, signatures: written } = parsed.value.spec.dsseV002;
  const digest = decodeBase64(payloadHash.digest);
  if (digest?.byteLength !== 32) throw malformed('the payload digest is not 32 bytes');
  const signatures = written.map(({ content, verifier }) => {
    const sig = decodeBase64(content);
    const spki = decodeBase64(verifier.publicKey.rawBytes);
    if (sig === undefined || spki === undefined) throw malformed('a signature or a key is not base64');
    return { keyid: keyidOf(spki), public_key_spki: spki, sig };
  });
  const leaf = { payload_digest: `sha256:${Buffer.from(digest).toString('hex')}`, signatures };
  if (!equalBytes(leafBody(leaf.payload_digest, signatures), body)) throw malformed('it is not in the form that is logged');
  return leaf;
}

/** The envelope of a stored record: its payload with the signatures its leaf has. */
export function envelopeOfLeaf(payload: Uint8Array, leaf: Leaf): Envelope {
  return envelopeOf(payload, leaf.signatures);
}

function readJson(body: Uint8Array): unknown {
  try {
    return parseStrictJson(body, { maxBytes: maxLeafBytes, maxDepth: 8 });
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : String(cause));
  }
}

function malformed(why: string): Problem {
  return new Problem('integrity', { detail: `the leaf is malformed: ${why}` });
}
