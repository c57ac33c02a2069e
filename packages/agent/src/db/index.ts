export { type CopyOrder, copySqlite, databaseBytes } from './copy.ts';
export type { Database } from './database.ts';
export { takeInstanceLock } from './instance-lock.ts';
export { type Migration, type MigrationState, migrate, migrationState, parseMigration } from './migration.ts';
export { birthsMigrations, postgresBirthsMigrations, postgresMigrations, sqliteMigrations } from './migrations.ts';
export * from './postgres/index.ts';
export {
  type Dialect,
  listed,
  opaque,
  type Query,
  type QueryRows,
  query,
  type SqlParams,
  type SqlText,
  type SqlValue,
  textFor,
  type WriteSql,
} from './query.ts';
export { openSqlite, requireDatabase, type SqliteHandle, SqliteReader, StatementCache } from './sqlite.ts';
export { isLocked, lockPatienceMs, lockPauseMs, neverWait, whenUnlocked } from './sqlite-lock.ts';
