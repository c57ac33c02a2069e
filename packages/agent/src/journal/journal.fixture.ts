import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519Signer } from '@govctl/core/evidence';
import { type Database, migrate, openSqlite, type SqliteHandle, SqliteReader, sqliteMigrations } from '../db/index.ts';
import { SqliteJournal } from './journal.sqlite.ts';
import type { JournalObserver } from './journal.ts';

export type TestJournal = {
  readonly folder: string;
  readonly path: string;
  readonly journal: SqliteJournal;
  readonly database: Database;
  /** The writing connection, for a test that looks or meddles. */
  readonly handle: SqliteHandle;
  /** Closes and opens everything again, as a new process would. */
  reopen(): TestJournal;
  close(): void;
};

const { privateKey } = generateKeyPairSync('ed25519');

/** A real journal on a database of its own in a temporary folder. */
export function testJournal(options: { folder?: string; now?: () => string; observer?: JournalObserver } = {}): TestJournal {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'govctl-journal-'));
  const now = options.now ?? (() => new Date().toISOString());
  const path = join(folder, 'govd.db');
  const handle = openSqlite(path);
  migrate(handle, sqliteMigrations, now);
  const reader = openSqlite(path, 'read');
  const seal = { refusal: () => null, seal: () => 'unsigned' };
  const journal = new SqliteJournal({
    handle,
    signer: ed25519Signer(privateKey),
    seal,
    now,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
  });
  const shut = () => {
    reader.close();
    handle.close();
  };
  return {
    folder,
    path,
    journal,
    database: new SqliteReader(reader),
    handle,
    reopen() {
      shut();
      return testJournal({ ...options, folder });
    },
    close() {
      shut();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
