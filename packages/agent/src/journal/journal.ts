import type { Committed, Unit } from '@govctl/core/journal';

export type CommitResult =
  | {
      readonly ok: true;
      readonly committed: Committed;
      readonly proof: ProofSource;
      /** What was written is not quite what was asked for: read it back before showing it. */
      readonly altered?: true;
    }
  /** A fact moved between reading and writing: read again, rebuild, three times at most. */
  | { readonly ok: false; readonly guard: string };

/** Proof of what was just committed, computed from memory where possible; call it before answering. */
export type ProofSource = {
  readonly checkpoint: string | null;
  /** Inclusion proof hashes (RFC 9162 order) of a leaf in the tree of the committed head. */
  prove(leafIndex: number): readonly Uint8Array[];
};

/** The one write path. Writers besides it are the tail, births and imports, and migrations; a test knows no other. */
export type Journal = {
  /**
   * Writes a unit durably, or nothing of it. Units that arrive together share one durable commit.
   * @throws Problem `evidence-unavailable` when it could not be written: nothing happened, a retry is safe.
   */
  commit(unit: Unit): Promise<CommitResult>;
};

/** What the log says about signing: a database behind the second place must not sign. */
export type LogSeal = {
  /** Why nothing may be appended now, or null. */
  refusal(): string | null;
  /** Signs the checkpoint of a committed head and carries it to the second place. */
  seal(head: { readonly size: number; readonly root: Uint8Array }): string;
};

export type JournalObserver = {
  group(measure: { readonly units: number; readonly records: number; readonly events: number; readonly microseconds: number }): void;
};
