import { existsSync } from 'node:fs';
import { Problem } from '@govctl/core/api';
import Sqlite from 'better-sqlite3';
import type { Database } from './database.ts';
import { type Query, type QueryRows, type SqlParams, textFor } from './query.ts';

export type SqliteHandle = Sqlite.Database;
type Statement = Sqlite.Statement<[SqlParams], unknown>;

/**
 * Opens SQLite the only way this product may: WAL, `synchronous=FULL` set and read back (the library's default loses acknowledged
 * commits at a power cut), foreign keys on, and a library version without the WAL-reset corruption of 3.51.2 and before, or 3.52.0.
 *
 * @throws Problem `unavailable` when any of it does not hold, with the reason.
 */
export function openSqlite(path: string, mode: 'write' | 'read' = 'write'): SqliteHandle {
  let handle: SqliteHandle;
  try {
    handle = new Sqlite(path, { readonly: mode === 'read', timeout: 10_000 });
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `the database ${path} cannot be opened: ${(cause as Error).message}`,
      hint: 'govd init --state-dir D',
      cause,
    });
  }
  try {
    checkVersion(handle);
    if (mode === 'write') {
      handle.pragma('journal_mode = WAL');
      // A bigger write-ahead log between checkpoints: fewer page copies while births are drained.
      handle.pragma('wal_autocheckpoint = 4000');
      handle.pragma('temp_store = MEMORY');
    } else {
      handle.pragma('query_only = ON');
    }
    handle.pragma('foreign_keys = ON');
    handle.pragma('cache_size = -32768');
    handle.pragma('synchronous = FULL');
    enforceDurable(handle, path);
    return handle;
  } catch (error) {
    handle.close();
    throw unusable(path, error);
  }
}

/** A daemon that made itself an empty database in place of a lost one would look as if nothing had ever happened. */
export function requireDatabase(path: string): void {
  if (existsSync(path)) return;
  throw new Problem('unavailable', {
    detail: `the database ${path} is not there`,
    hint: 'restore it from a backup, or start a new state folder: govd init --state-dir D',
  });
}

/** What SQLite says of a file it cannot use, as a problem that names the file. */
export function unusable(path: string, error: unknown): unknown {
  const code = String((error as { code?: unknown }).code ?? '');
  if (!code.startsWith('SQLITE_')) return error;
  const broken = code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
  return new Problem('unavailable', {
    detail: `the database ${path} cannot be used: ${(error as Error).message} (${code})`,
    hint: broken ? 'restore a backup: govctl backup restore FILE --state-dir D' : 'check the permissions of the state folder, and its disk',
    cause: error,
  });
}

/** @internal exported for its test: which SQLite versions are refused. */
function versionRefusal(version: string): string | null {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const number = major * 1_000_000 + minor * 1000 + patch;
  if (number < 3_051_003) return `SQLite ${version} can corrupt a write-ahead log at a checkpoint; 3.51.3 is the first version that cannot`;
  if (number === 3_052_000) return 'SQLite 3.52.0 was withdrawn';
  return null;
}

function checkVersion(handle: SqliteHandle): void {
  const row = handle.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  const refusal = versionRefusal(row.version);
  if (refusal !== null) throw new Problem('unavailable', { detail: refusal, hint: 'install the dependencies the lockfile pins' });
}

function enforceDurable(handle: SqliteHandle, path: string): void {
  // The pragma may still report a stale value until the file was read once.
  handle.prepare('SELECT count(*) AS tables FROM sqlite_schema').get();
  const synchronous = handle.pragma('synchronous', { simple: true });
  const journal = handle.pragma('journal_mode', { simple: true });
  if (synchronous !== 2)
    throw new Problem('unavailable', {
      detail: `${path}: synchronous is ${String(synchronous)}, not FULL: a power cut could lose acknowledged promotions`,
    });
  if (journal !== 'wal')
    throw new Problem('unavailable', {
      detail: `${path}: journal mode is ${String(journal)}, not WAL`,
      hint: 'put the state folder on a local file system',
    });
}

/** Compiles each SQL text once per connection. */
export class StatementCache {
  readonly #handle: SqliteHandle;
  readonly #statements = new Map<string, Statement>();

  constructor(handle: SqliteHandle) {
    this.#handle = handle;
  }

  get(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#handle.prepare<[SqlParams], unknown>(sql) as Statement;
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** The read port over one connection opened for reading only. */
export class SqliteReader implements Database {
  readonly #handle: SqliteHandle;
  readonly #cache: StatementCache;
  readonly #begin: Sqlite.Statement<[], unknown>;
  readonly #commit: Sqlite.Statement<[], unknown>;
  readonly #rollback: Sqlite.Statement<[], unknown>;

  constructor(handle: SqliteHandle) {
    this.#handle = handle;
    this.#cache = new StatementCache(handle);
    this.#begin = handle.prepare('BEGIN');
    this.#commit = handle.prepare('COMMIT');
    this.#rollback = handle.prepare('ROLLBACK');
  }

  async read<const Q extends readonly Query<unknown>[]>(queries: Q): Promise<QueryRows<Q>> {
    const [only] = queries;
    try {
      if (queries.length === 1 && only !== undefined) return [this.#rows(only)] as unknown as QueryRows<Q>;
      // No await between begin and commit: other readers share this connection.
      this.#begin.run();
      const rows = queries.map((query) => this.#rows(query));
      this.#commit.run();
      return rows as unknown as QueryRows<Q>;
    } catch (error) {
      if (this.#handle.inTransaction) this.#rollback.run();
      throw unreadable(error);
    }
  }

  #rows(query: Query<unknown>): unknown[] {
    return this.#cache.get(textFor('sqlite', query.sql)).all(query.params);
  }
}

/** The disk's fault, not a bug: said as such. */
function unreadable(error: unknown): unknown {
  const code = String((error as { code?: unknown }).code ?? '');
  if (!/^SQLITE_(IOERR|CORRUPT|NOTADB|FULL|CANTOPEN|BUSY|PROTOCOL)/.test(code)) return error;
  return new Problem('unavailable', { detail: `the database cannot be read now (${code})`, hint: 'govctl doctor', cause: error });
}
