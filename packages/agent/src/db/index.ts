export type { Database } from './database.ts';
export { takeInstanceLock } from './instance-lock.ts';
export { type Migration, type MigrationState, migrate, migrationState, parseMigration } from './migration.ts';
export { birthsMigrations, sqliteMigrations } from './migrations.ts';
export { opaque, type Query, type QueryRows, query, type SqlParams, type SqlValue, type WriteSql } from './query.ts';
export { openSqlite, requireDatabase, type SqliteHandle, SqliteReader, StatementCache } from './sqlite.ts';
