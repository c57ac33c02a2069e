export { type DatabaseClock, databaseClock } from './clock.ts';
export { connectPostgres, type ServerIdentity } from './connect.ts';
export { describeFailure, isConnectionLost, isContention, isFaultOfStatement, postgresCode, unreachable } from './failure.ts';
export {
  grantBirths,
  grantDaemon,
  migratePostgres,
  postgresMigrationState,
  quoted,
  requireDurable,
  requireLeastPrivilege,
} from './migrate.ts';
export { PostgresReader } from './reader.ts';
export { CommitUnknown, type PostgresResult, type PostgresRun, PostgresSession } from './session.ts';
export { type PostgresSettings, postgresSettings } from './settings.ts';
