import type { Signer } from '@govctl/core/evidence';
import type { Database, MigrationState } from '../db/index.ts';
import type { Handoff, HandoffSettings } from '../handoff/index.ts';
import type { Journal, JournalObserver, LogSeal } from '../journal/index.ts';

/** The journal as a running daemon watches it. */
export type StoreJournal = Journal & {
  /** Units that wait for a commit. */
  readonly waiting: number;
  /** Leaves of the committed log, as far as this host knows. */
  readonly size: number;
  /** Why nothing is written, or null. */
  readonly distrust: string | null;
};

export type JournalSettings = {
  readonly signer: Signer;
  readonly seal: LogSeal;
  readonly observer?: JournalObserver;
  /** Whether the database still continues what was signed: null, or why not. Asked after the server was reached anew. */
  readonly continues: () => Promise<string | null>;
};

/** How a backup gets at the databases. */
export type StoreCopy = {
  /** Bytes that the copies will take, about. */
  size(): number;
  /** Copies the databases, as they are at one moment, into a folder. Answers the file names. @throws on abort */
  into(folder: string, signal: AbortSignal): Promise<readonly ['govd.db', 'births.db']>;
};

/**
 * Where a deployment keeps its state and its evidence: SQLite in the state folder, or PostgreSQL for many hosts. Everything above
 * this port is the same program.
 */
export type Store = {
  readonly database: Database;
  /** Reads of what is about to be written. */
  readonly hotDatabase: Database;
  /** The clock of the deployment, RFC 3339: this host's on SQLite, the database's on PostgreSQL. */
  readonly now: () => string;
  readonly schema: MigrationState;
  /** What `/readyz` asks of the store besides. */
  readonly readiness: readonly { readonly name: string; check(): { readonly ok: boolean; readonly detail: string } }[];
  openJournal(settings: JournalSettings): Promise<StoreJournal>;
  /** Absent where the database has tools of its own for it. */
  readonly copy?: StoreCopy;
  openHandoff(settings: Omit<HandoffSettings, 'database' | 'births'>): Promise<Handoff>;
  close(): Promise<void>;
};
