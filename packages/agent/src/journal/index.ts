export { PostgresJournal } from './journal.postgres.ts';
export { SqliteJournal } from './journal.sqlite.ts';
export type { CommitResult, Journal, JournalObserver, LogSeal, ProofSource } from './journal.ts';
