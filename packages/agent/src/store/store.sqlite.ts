import { join } from 'node:path';
import {
  copySqlite,
  databaseBytes,
  migrate,
  migrationState,
  openSqlite,
  requireDatabase,
  type SqliteHandle,
  SqliteReader,
  sqliteMigrations,
} from '../db/index.ts';
import { openHandoff } from '../handoff/index.ts';
import { SqliteJournal } from '../journal/index.ts';
import type { StateDir } from '../state/index.ts';
import type { Store, StoreCopy } from './store.ts';

/** Opens the databases of a state folder whose instance lock is held. @throws Problem `unavailable` */
export async function openSqliteStore(
  dir: StateDir,
  now: () => string,
  migrating: (pending: readonly string[]) => void = () => {},
): Promise<Store> {
  await using opened = new AsyncDisposableStack();
  requireDatabase(dir.database);
  let writer = openWriter(dir.database);
  opened.defer(() => void writer.close());
  const { pending } = migrationState(writer, sqliteMigrations);
  if (pending.length > 0) migrating(pending);
  migrate(writer, sqliteMigrations, now);
  const reader = opened.adopt(openSqlite(dir.database, 'read'), (handle) => void handle.close());
  let hotReader = new SqliteReader(writer);
  const schema = migrationState(writer, sqliteMigrations);
  const owned = opened.move();
  return {
    database: new SqliteReader(reader),
    hotDatabase: { read: (queries) => hotReader.read(queries) },
    now,
    schema,
    readiness: [],
    copy: copyOf(dir),
    openJournal: async ({ signer, seal, observer }) =>
      new SqliteJournal({
        handle: writer,
        reopen() {
          const fresh = openWriter(dir.database);
          writer.close();
          writer = fresh;
          hotReader = new SqliteReader(fresh);
          return fresh;
        },
        signer,
        seal,
        now,
        ...(observer === undefined ? {} : { observer }),
      }),
    openHandoff: (settings) => openHandoff({ ...settings, database: dir.database, births: dir.births }),
    close: () => owned.disposeAsync(),
  };
}

/** Births last: they may be newer than what governance says of them, and are read again; the other way round would look like drift. */
function copyOf(dir: StateDir): StoreCopy {
  return {
    size: () => databaseBytes(dir.database) + databaseBytes(dir.births),
    async into(folder, signal) {
      const orders = [
        { from: dir.database, to: join(folder, 'govd.db') },
        { from: dir.births, to: join(folder, 'births.db') },
      ];
      await copySqlite(orders, signal);
      return ['govd.db', 'births.db'];
    },
  };
}

/** What is deleted is overwritten: an erased payload must not stay readable in the free pages of the file. */
function openWriter(path: string): SqliteHandle {
  const handle = openSqlite(path);
  handle.pragma('secure_delete = ON');
  return handle;
}
