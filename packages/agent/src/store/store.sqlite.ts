import { migrate, migrationState, openSqlite, requireDatabase, SqliteReader, sqliteMigrations } from '../db/index.ts';
import { openHandoff } from '../handoff/index.ts';
import { SqliteJournal } from '../journal/index.ts';
import type { StateDir } from '../state/index.ts';
import type { Store } from './store.ts';

/** Opens the databases of a state folder whose instance lock is held. @throws Problem `unavailable` */
export async function openSqliteStore(
  dir: StateDir,
  now: () => string,
  migrating: (pending: readonly string[]) => void = () => {},
): Promise<Store> {
  await using opened = new AsyncDisposableStack();
  requireDatabase(dir.database);
  let writer = openSqlite(dir.database);
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
    openJournal: async ({ signer, seal, observer }) =>
      new SqliteJournal({
        handle: writer,
        reopen() {
          const fresh = openSqlite(dir.database);
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
