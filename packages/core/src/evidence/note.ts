import { hash, type KeyObject } from 'node:crypto';
import { Problem } from '../api/problem.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Signer } from './dsse.ts';
import { publicKeyOf, rawPublicKey, verifyEd25519 } from './key.ts';

/** C2SP signed-note: the algorithm byte of an Ed25519 key. */
const ed25519Type = 1;
const maxNoteBytes = 1_000_000;
const maxSignatures = 100;

/** Who can check a note: a key and the name it signs under. */
export type NoteVerifier = { readonly name: string; readonly key_id: number; readonly public_key: Uint8Array; readonly key: KeyObject };
export type NoteSignature = { readonly name: string; readonly key_id: number; readonly sig: Uint8Array };
export type OpenedNote = { readonly text: string; readonly verified: readonly NoteSignature[]; readonly unknown: readonly NoteSignature[] };

/** C2SP signed-note: a key name is not empty and has no white space and no plus. */
export function isNoteName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+\p{Cc}]/u.test(name);
}

/** SHA-256(name || LF || type || key): its first four bytes are the key id of a note signature. */
export function noteKeyHash(name: string, publicKey: Uint8Array, type: number = ed25519Type): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), publicKey]), 'buffer');
}

function noteKeyId(name: string, publicKey: Uint8Array): number {
  return noteKeyHash(name, publicKey).readUInt32BE(0);
}

export function noteVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  return { name, key_id: noteKeyId(name, publicKey), public_key: publicKey, key: publicKeyOf(publicKey).key };
}

function hexKeyId(id: number): string {
  return id.toString(16).padStart(8, '0');
}

/** A verifier key as text: `<name>+<key id>+<base64(type || key)>`. */
export function formatVerifierKey(name: string, publicKey: Uint8Array): string {
  if (!isNoteName(name)) throw new TypeError(`${JSON.stringify(name)} cannot name a note key`);
  return `${name}+${hexKeyId(noteKeyId(name, publicKey))}+${encodeBase64(Buffer.concat([Buffer.of(ed25519Type), publicKey]))}`;
}

/** Reads a verifier key; the key id must be that of name and key. @throws Problem `integrity` */
export function parseVerifierKey(vkey: string): NoteVerifier {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || id === undefined || bytes === undefined || !isNoteName(name))
    throw malformed('the verifier key is not <name>+<id>+<base64>');
  if (bytes[0] !== ed25519Type || bytes.byteLength !== 33) throw malformed('the verifier key is not an Ed25519 key');
  const publicKey = bytes.slice(1);
  if (hexKeyId(noteKeyId(name, publicKey)) !== id) throw malformed('the key id does not belong to this name and key');
  return noteVerifier(name, publicKey);
}

/** Signs a text (it ends with a newline) as a note. Deterministic: Ed25519. */
export function signNote(text: string, name: string, signer: Signer): string {
  if (!isNoteText(text)) throw new TypeError('a note text ends with a newline and has no control characters');
  if (!isNoteName(name)) throw new TypeError(`${JSON.stringify(name)} cannot name a note key`);
  const id = Buffer.alloc(4);
  id.writeUInt32BE(noteKeyId(name, rawPublicKey(signer.public_key_spki)));
  return `${text}\n— ${name} ${Buffer.concat([id, signer.sign(Buffer.from(text))]).toString('base64')}\n`;
}

/**
 * Opens a signed note: its text, and which signatures are by the given keys. A signature that claims a known key and does not verify
 * rejects the whole note; signatures by unknown keys are told, and ignored. A note that no known key signed is rejected.
 *
 * @throws Problem `integrity`
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = parseNote(note);
  const message = Buffer.from(text);
  const verified = new Map<NoteVerifier, NoteSignature>();
  const unknown: NoteSignature[] = [];
  for (const signature of signatures) {
    const verifier = verifiers.find(({ name, key_id }) => name === signature.name && key_id === signature.key_id);
    if (verifier === undefined) unknown.push(signature);
    else if (!verifyEd25519(verifier.key, message, signature.sig)) {
      throw malformed(`the signature of ${signature.name} is not valid`);
    } else verified.set(verifier, signature);
  }
  if (verified.size === 0) throw malformed('no known key signed the note');
  return { text, verified: [...verified.values()], unknown };
}

/** Splits a note into text and signature lines, without verifying anything. @throws Problem `integrity` */
export function parseNote(note: string | Uint8Array): { readonly text: string; readonly signatures: readonly NoteSignature[] } {
  const whole = noteText(note);
  if (!isNoteText(whole)) throw malformed('the note is not text, or does not end with a newline');
  const end = whole.lastIndexOf('\n\n');
  if (end < 0) throw malformed('the note has no signature block');
  const lines = whole.slice(end + 2, -1).split('\n');
  if (lines.length > maxSignatures) throw malformed(`the note has more than ${maxSignatures} signatures`);
  return { text: whole.slice(0, end + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name, encoded] = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || !isNoteName(name) || bytes === undefined || bytes.byteLength < 5)
    throw malformed('a signature line is malformed');
  return { name, key_id: Buffer.from(bytes).readUInt32BE(0), sig: bytes.slice(4) };
}

function noteText(note: string | Uint8Array): string {
  if ((typeof note === 'string' ? Buffer.byteLength(note) : note.byteLength) > maxNoteBytes) throw malformed('the note is too large');
  if (typeof note === 'string') return note;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note);
  } catch (cause) {
    throw new Problem('integrity', { detail: 'the note is not UTF-8', cause });
  }
}

function isNoteText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification names them
  return text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}

function malformed(detail: string): Problem {
  return new Problem('integrity', { detail });
}
