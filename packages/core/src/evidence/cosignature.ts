import { Problem } from '../api/problem.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Signer } from './dsse.ts';
import { enrolPublicKey, publicKeyOf, rawPublicKey, verifyEd25519 } from './key.ts';
import { isNoteName, type NoteSignature, type NoteVerifier, noteKeyHash } from './note.ts';

/** C2SP tlog-cosignature: the algorithm byte of an Ed25519 cosigner. Another than a log's: one key never does both. */
const cosignerType = 4;
const timestampBytes = 8;

/** What a witness says: at this time, this was the largest consistent tree of the log that it had seen. */
export type Cosignature = { readonly name: string; readonly time: number };

function message(noteText: string, time: number): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${noteText}`);
}

/** Cosigns the text of a checkpoint. @param time POSIX seconds @returns a signature line, with its newline */
export function cosign(noteText: string, name: string, signer: Signer, time: number): string {
  if (!isNoteName(name)) throw new TypeError(`${JSON.stringify(name)} cannot name a note key`);
  const id = noteKeyHash(name, rawPublicKey(signer.public_key_spki), cosignerType).subarray(0, 4);
  const at = Buffer.alloc(timestampBytes);
  at.writeBigUInt64BE(BigInt(time));
  return `— ${name} ${Buffer.concat([id, at, signer.sign(message(noteText, time))]).toString('base64')}\n`;
}

/** The time of a signature by this cosigner over this text; undefined when it is none. Never throws. */
export function cosignedAt(noteText: string, signature: NoteSignature, verifier: NoteVerifier): number | undefined {
  const { sig } = signature;
  if (sig.byteLength <= timestampBytes) return undefined;
  const time = Buffer.from(sig).readBigUInt64BE(0);
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const seconds = Number(time);
  return verifyEd25519(verifier.key, message(noteText, seconds), sig.slice(timestampBytes)) ? seconds : undefined;
}

/**
 * The cosignatures of a note by the given cosigners, one each. A signature that claims one of them and does not verify rejects the
 * whole note, as a bad signature by any known key does.
 *
 * @throws Problem `integrity`
 */
export function cosignaturesOf(
  noteText: string,
  signatures: readonly NoteSignature[],
  cosigners: readonly NoteVerifier[],
): readonly Cosignature[] {
  const found = new Map<NoteVerifier, Cosignature>();
  for (const signature of signatures) {
    const verifier = cosigners.find(({ name, key_id }) => name === signature.name && key_id === signature.key_id);
    if (verifier === undefined) continue;
    const time = cosignedAt(noteText, signature, verifier);
    if (time === undefined) throw new Problem('integrity', { detail: `the cosignature of ${signature.name} is not valid` });
    const known = found.get(verifier);
    if (known === undefined || known.time < time) found.set(verifier, { name: verifier.name, time });
  }
  return [...found.values()];
}

function cosigner(name: string, publicKey: Uint8Array): NoteVerifier {
  const key_id = noteKeyHash(name, publicKey, cosignerType).readUInt32BE(0);
  return { name, key_id, public_key: publicKey, key: publicKeyOf(publicKey).key };
}

/** The verifier key of a cosigner as text. */
export function formatCosignerKey(name: string, publicKey: Uint8Array): string {
  if (!isNoteName(name)) throw new TypeError(`${JSON.stringify(name)} cannot name a note key`);
  const { key_id } = cosigner(name, publicKey);
  return `${name}+${key_id.toString(16).padStart(8, '0')}+${encodeBase64(Buffer.concat([Buffer.of(cosignerType), publicKey]))}`;
}

/** Reads the verifier key of a cosigner; weak keys are refused. @throws Problem `integrity` */
export function parseCosignerKey(vkey: string): NoteVerifier {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || id === undefined || bytes === undefined || !isNoteName(name)) throw malformed('it is not <name>+<id>+<base64>');
  if (bytes[0] !== cosignerType || bytes.byteLength !== 33) throw malformed('it is not an Ed25519 cosigner (type 04)');
  const verifier = cosigner(name, enrolPublicKey(bytes.slice(1)).raw);
  if (verifier.key_id.toString(16).padStart(8, '0') !== id) throw malformed('its id does not belong to this name and key');
  return verifier;
}

function malformed(why: string): Problem {
  return new Problem('integrity', { detail: `the verifier key of a witness is refused: ${why}` });
}
