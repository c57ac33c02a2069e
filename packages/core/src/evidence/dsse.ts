import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { keyidOf, verifyEd25519 } from './key.ts';

/** The payload type of every record: an in-toto Statement. */
export const statementPayloadType = 'application/vnd.in-toto+json';

/** A DSSE v1 envelope as it is written to files. `keyid` is a hint and nothing is decided by it. */
export type Envelope = {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid?: string | undefined; readonly sig: string }[];
};

/** What can sign: an Ed25519 key, wherever it is kept. */
export type Signer = {
  /** Hex SHA-256 of the SPKI. */
  readonly keyid: string;
  readonly public_key_spki: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
};

/** One signature over a payload, with the key that a leaf names beside it. */
export type RecordSignature = { readonly keyid: string; readonly public_key_spki: Uint8Array; readonly sig: Uint8Array };

/** A signer over a private key held in memory. */
export function ed25519Signer(privateKey: KeyObject): Signer {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('an Ed25519 private key is needed');
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { keyid: keyidOf(spki), public_key_spki: spki, sign: (bytes) => sign(null, bytes, privateKey) };
}

/** Pre-authentication encoding (DSSE protocol v1): `DSSEv1 SP len SP type SP len SP body`, lengths in bytes. */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const head = Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `);
  return Buffer.concat([head, payload], head.byteLength + payload.byteLength);
}

/** Signs exact payload bytes. */
export function signPayload(payload: Uint8Array, signer: Signer, payloadType: string = statementPayloadType): RecordSignature {
  return { keyid: signer.keyid, public_key_spki: signer.public_key_spki, sig: signer.sign(pae(payloadType, payload)) };
}

/** An envelope around bytes and signatures that exist already. */
export function envelopeOf(
  payload: Uint8Array,
  signatures: readonly { readonly keyid: string; readonly sig: Uint8Array }[],
  payloadType: string = statementPayloadType,
): Envelope {
  return {
    payloadType,
    payload: encodeBase64(payload),
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: encodeBase64(sig) })),
  };
}

/** Signs payload bytes with each signer and wraps them. */
export function signEnvelope(payload: Uint8Array, signers: readonly Signer[], payloadType: string = statementPayloadType): Envelope {
  return envelopeOf(
    payload,
    signers.map((signer) => signPayload(payload, signer, payloadType)),
    payloadType,
  );
}

/** True when `sig` is this key's signature over this payload. Never throws. */
export function verifySignature(
  publicKey: KeyObject,
  payload: Uint8Array,
  sig: Uint8Array,
  payloadType: string = statementPayloadType,
): boolean {
  return verifyEd25519(publicKey, pae(payloadType, payload), sig);
}

/** The bytes of an envelope; undefined when it is not strict base64 in either alphabet. */
export function decodeEnvelope(envelope: Envelope): { readonly payload: Uint8Array; readonly sigs: readonly Uint8Array[] } | undefined {
  const payload = decodeBase64(envelope.payload, 'either');
  const sigs = envelope.signatures.map(({ sig }) => decodeBase64(sig, 'either'));
  if (payload === undefined || !sigs.every((sig) => sig !== undefined)) return undefined;
  return { payload, sigs };
}

/**
 * The distinct keys among `keys` that signed this payload. A threshold counts these: two signatures by one key, or one key listed
 * under two names, are one. Signatures by keys that are not given are ignored; `keyid` is not read.
 */
export function signingKeys<K extends { readonly spki: Uint8Array; readonly key: KeyObject }>(
  payload: Uint8Array,
  sigs: readonly Uint8Array[],
  keys: readonly K[],
  payloadType: string = statementPayloadType,
): readonly K[] {
  const signed = new Map<string, K>();
  for (const candidate of keys) {
    const identity = keyidOf(candidate.spki);
    if (!signed.has(identity) && sigs.some((sig) => verifySignature(candidate.key, payload, sig, payloadType)))
      signed.set(identity, candidate);
  }
  return [...signed.values()];
}
