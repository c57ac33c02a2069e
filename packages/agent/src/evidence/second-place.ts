import { isProblem } from '@govctl/core/api';
import {
  consistencyProof,
  equalBytes,
  openLogCheckpoint,
  type TrustRoot,
  treeRoot,
  type VerifiedCheckpoint,
  verifyConsistency,
} from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { withNodes } from './log-reader.ts';
import { committedHead } from './log-state.ts';
import { advanceNote } from './note-file.ts';

/** Where the log stands against the checkpoint that was last signed. */
export type LogStanding =
  /** It is that checkpoint, or what grew out of it: consistency is proved. */
  | { readonly is: 'continues'; readonly head: { readonly size: number; readonly root: Uint8Array }; readonly last_signed: number }
  /** Nothing was ever signed, and nothing was ever logged. */
  | { readonly is: 'new' }
  | { readonly is: 'behind' | 'forked'; readonly why: string; readonly last: VerifiedCheckpoint }
  /** There are leaves, and no checkpoint to compare them with. */
  | { readonly is: 'unpinned'; readonly why: string }
  /** What lies in the second place is no checkpoint of this log by its keys. */
  | { readonly is: 'unreadable'; readonly why: string };

/**
 * Compares the database with the second place.
 *
 * A log that signs two trees, neither of which is the beginning of the other, is worth nothing to anybody. A database restored from
 * an older copy does exactly that with its next commit, unless something outside of it remembers how far it was.
 */
export async function compareLog(database: Database, trust: TrustRoot, note: string | null): Promise<LogStanding> {
  const head = await committedHead(database);
  if (note === null) {
    if (head.size === 0) return { is: 'new' };
    return { is: 'unpinned', why: `the log has ${head.size} leaves, and the second place has no checkpoint to compare them with` };
  }
  let last: VerifiedCheckpoint;
  try {
    last = openLogCheckpoint(note, trust);
  } catch (error) {
    if (!isProblem(error)) throw error;
    return { is: 'unreadable', why: `what lies in the second place is no checkpoint of this log by its keys: ${error.message}` };
  }
  if (last.size > head.size)
    return { is: 'behind', why: `the database has ${head.size} leaves, but ${last.size} were signed: it is an older copy`, last };
  const grew = await grewFrom(database, last, head).catch((error: Error) => {
    // A database that cannot be asked now has not become another one.
    if (isProblem(error) && error.code === 'unavailable') throw error;
    return error.message;
  });
  if (grew !== true) {
    const detail = grew === false ? '' : ` (${grew})`;
    return { is: 'forked', why: `the first ${last.size} leaves of the database are not the ${last.size} that were signed${detail}`, last };
  }
  return { is: 'continues', head, last_signed: last.size };
}

async function grewFrom(
  database: Database,
  last: VerifiedCheckpoint,
  head: { readonly size: number; readonly root: Uint8Array },
): Promise<boolean> {
  if (last.size === 0) return true;
  if (last.size === head.size) {
    const recomputed = await withNodes(database, (readNode) => treeRoot(head.size, readNode));
    return equalBytes(last.root, head.root) && equalBytes(recomputed, head.root);
  }
  const proof = await withNodes(database, (readNode) => consistencyProof(last.size, head.size, readNode));
  return verifyConsistency(last.size, head.size, last.root, head.root, proof);
}

export type SecondPlace = {
  /** Takes a signed checkpoint; it is in the second place within a second, newer ones instead of older. */
  keep(note: string): void;
  /** Why the guarantee does not hold now, or null. */
  trouble(): string | null;
  /** Writes what is not written yet. */
  close(): Promise<void>;
};

export type SecondPlaceOptions = {
  readonly path: string;
  /** How long to collect newer checkpoints before one is written. */
  readonly delayMs?: number;
  /** How long it may fail before nothing is signed any more. */
  readonly patienceMs?: number;
  readonly write?: (path: string, note: string) => Promise<void>;
  readonly onError?: (error: unknown) => void;
};

/** Keeps the newest checkpoint in a file outside the database. Writing never holds up a commit. */
export function secondPlace(options: SecondPlaceOptions): SecondPlace {
  const { path, delayMs = 200, patienceMs = 5000, write = advanceNote, onError = () => undefined } = options;
  let pending: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let failingSince: number | undefined;
  let failure = '';

  const flush = async (): Promise<void> => {
    const note = pending;
    if (note === undefined) return;
    pending = undefined;
    try {
      await write(path, note);
      failingSince = undefined;
    } catch (error) {
      pending ??= note;
      failingSince ??= performance.now();
      failure = error instanceof Error ? error.message : String(error);
      onError(error);
    }
  };
  const schedule = (): void => {
    if (timer !== undefined || writing !== undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        writing = flush().finally(() => {
          writing = undefined;
          if (pending !== undefined) schedule();
        });
      },
      failingSince === undefined ? delayMs : 1000,
    );
    timer.unref();
  };

  return {
    keep(note) {
      pending = note;
      schedule();
    },
    trouble() {
      if (failingSince === undefined || performance.now() - failingSince < patienceMs) return null;
      return `the last signed checkpoint cannot be kept in ${path}: ${failure}`;
    },
    async close() {
      clearTimeout(timer);
      timer = undefined;
      await writing;
      clearTimeout(timer);
      await flush();
    },
  };
}
