import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { Problem } from '../api/problem.ts';
import { weakKeyReason } from './edwards.ts';

const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** An Ed25519 public key in each form that is needed. */
export type PublicKey = { readonly keyid: string; readonly raw: Uint8Array; readonly spki: Uint8Array; readonly key: KeyObject };

/** Hex SHA-256 of a DER SubjectPublicKeyInfo: a name for a key, never proof of one. */
export function keyidOf(spki: Uint8Array): string {
  return hash('sha256', spki, 'hex');
}

/** Raw 32 bytes of a DER SubjectPublicKeyInfo. @throws TypeError when it is not an Ed25519 key */
export function rawPublicKey(spki: Uint8Array): Uint8Array {
  if (spki.byteLength !== spkiPrefix.byteLength + 32 || !Buffer.from(spki).subarray(0, spkiPrefix.byteLength).equals(spkiPrefix)) {
    throw new TypeError('not the SubjectPublicKeyInfo of an Ed25519 key');
  }
  return spki.slice(spkiPrefix.byteLength);
}

/** DER SubjectPublicKeyInfo of a raw Ed25519 key. */
export function spkiOf(raw: Uint8Array): Uint8Array {
  return Buffer.concat([spkiPrefix, raw]);
}

/** A public key from its raw 32 bytes, as they come: for keys that were judged before. */
export function publicKeyOf(raw: Uint8Array): PublicKey {
  const spki = spkiOf(raw);
  return { keyid: keyidOf(spki), raw, spki, key: createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' }) };
}

/**
 * Enrols a public key: the one door through which a key becomes trusted. Low-order and non-canonical points are refused.
 *
 * @throws Problem `unprocessable`
 */
export function enrolPublicKey(raw: Uint8Array): PublicKey {
  const reason = weakKeyReason(raw);
  if (reason !== undefined) {
    throw new Problem('unprocessable', {
      detail: `the Ed25519 public key is refused: ${reason}`,
      hint: 'make a new key: openssl genpkey -algorithm ed25519',
    });
  }
  return publicKeyOf(raw);
}

/** PEM (`BEGIN PUBLIC KEY`), as published in `keys/*.pub.pem`. */
export function publicKeyPem(key: Pick<PublicKey, 'key'>): string {
  return key.key.export({ type: 'spki', format: 'pem' }).toString();
}

/** Reads and enrols a PEM public key. @throws Problem `unprocessable` */
export function parsePublicKeyPem(pem: string): PublicKey {
  if (!/^\s*-----BEGIN PUBLIC KEY-----/.test(pem)) throw new Problem('unprocessable', { detail: 'not a PEM public key' });
  let key: KeyObject;
  try {
    key = createPublicKey({ key: pem, format: 'pem' });
  } catch (cause) {
    throw new Problem('unprocessable', { detail: 'the PEM public key cannot be read', cause });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Problem('unprocessable', { detail: `an Ed25519 key is needed, this one is ${key.asymmetricKeyType}` });
  return enrolPublicKey(rawPublicKey(key.export({ type: 'spki', format: 'der' })));
}

/** RFC 8032 verification of exact bytes. Never throws. */
export function verifyEd25519(key: KeyObject, message: Uint8Array, sig: Uint8Array): boolean {
  return key.type === 'public' && key.asymmetricKeyType === 'ed25519' && sig.byteLength === 64 && verify(null, message, key, sig);
}
