export { asOwner, migrateSchemas, type SchemaChange } from './schema.postgres.ts';
export { openPostgresStore } from './store.postgres.ts';
export { openSqliteStore } from './store.sqlite.ts';
export type { JournalSettings, Store, StoreJournal } from './store.ts';
