import { encodeBase64 } from './base64.ts';
import type { Digest } from './digest.ts';
import type { RecordSignature } from './dsse.ts';

/**
 * The logged body of a record: payload digest, signatures and keys in the Rekor v2 `dsse/0.0.2` shape, RFC 8785 form; the payload is
 * never in it. The members are written in JCS order by hand: this runs for every leaf, and only base64 varies.
 */
export function leafBody(payloadDigest: Digest, signatures: readonly RecordSignature[]): Uint8Array {
  const digest = Buffer.from(payloadDigest.slice('sha256:'.length), 'hex').toString('base64');
  const written = signatures.map(
    ({ sig, public_key_spki }) =>
      `{"content":"${encodeBase64(sig)}","verifier":{"keyDetails":"PKIX_ED25519","publicKey":{"rawBytes":"${encodeBase64(public_key_spki)}"}}}`,
  );
  return Buffer.from(
    `{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":{"algorithm":"SHA2_256","digest":"${digest}"},"signatures":[${written.join(',')}]}}}`,
  );
}
