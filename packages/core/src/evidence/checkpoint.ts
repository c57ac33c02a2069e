import { Problem } from '../api/problem.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Signer } from './dsse.ts';
import { hashSize } from './merkle.ts';
import { type NoteSignature, type NoteVerifier, openNote, parseNote, signNote } from './note.ts';

/** A tree and whose it is. `size` counts leaves. */
export type TreeHead = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

export type VerifiedCheckpoint = TreeHead & {
  readonly signatures: readonly NoteSignature[];
  /** Signatures by keys that were not given: cosignatures of witnesses among them. */
  readonly others: readonly NoteSignature[];
  /** The note text: what was signed. */
  readonly text: string;
};

/** The note text of a checkpoint (C2SP tlog-checkpoint): origin, size, root, a line each. */
export function checkpointText({ origin, size, root }: TreeHead): string {
  if (!Number.isSafeInteger(size) || size < 0 || root.byteLength !== hashSize || origin === '' || origin.includes('\n')) {
    throw new TypeError(`not a tree head: ${JSON.stringify(origin)} ${size}`);
  }
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/** Signs a head under the log's name. The same head and key give the same bytes, so a lost checkpoint is made again. */
export function signCheckpoint(head: TreeHead, signer: Signer): string {
  return signNote(checkpointText(head), head.origin, signer);
}

/** Reads the text of a checkpoint; further lines are extensions and ignored. @throws Problem `integrity` */
export function parseCheckpointText(text: string): TreeHead {
  const lines = text.split('\n');
  const [origin, decimal, encoded] = lines;
  if (lines.pop() !== '' || origin === undefined || decimal === undefined || encoded === undefined || lines.some((line) => line === '')) {
    throw new Problem('integrity', { detail: 'the checkpoint does not have origin, size and root' });
  }
  const size = Number(decimal);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(decimal) || !Number.isSafeInteger(size))
    throw new Problem('integrity', { detail: 'the checkpoint has no valid size' });
  const root = decodeBase64(encoded);
  if (root?.byteLength !== hashSize) throw new Problem('integrity', { detail: 'the checkpoint has no valid root' });
  return { origin, size, root };
}

/** What a checkpoint says, unverified: for showing, never for deciding. @throws Problem `integrity` */
export function readCheckpoint(note: string | Uint8Array): TreeHead {
  return parseCheckpointText(parseNote(note).text);
}

/**
 * Opens a checkpoint that one of the log's keys signed.
 *
 * @throws Problem `integrity` when no key given signed it, one signed badly, or it is another log's
 */
export function openCheckpoint(note: string | Uint8Array, origin: string, verifiers: readonly NoteVerifier[]): VerifiedCheckpoint {
  const opened = openNote(
    note,
    verifiers.filter((verifier) => verifier.name === origin),
  );
  const head = parseCheckpointText(opened.text);
  if (head.origin !== origin) throw new Problem('integrity', { detail: `the checkpoint is of the log ${head.origin}, not of ${origin}` });
  return { ...head, signatures: opened.verified, others: opened.unknown, text: opened.text };
}
