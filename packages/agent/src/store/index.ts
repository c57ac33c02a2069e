export { openStore } from './open.ts';
export { asOwner, migrateSchemas, type SchemaChange } from './schema.postgres.ts';
export type { JournalSettings, Store, StoreCopy, StoreJournal } from './store.ts';
