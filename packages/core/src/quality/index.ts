export { type CheckFact, type CheckStatus, checkFactSchema, checkStatuses, type QualityCheck, qualityCheckSchema } from './check.ts';
export { importDbt } from './dbt.ts';
export type { QualityImport } from './import.ts';
export { type ImportedSnapshot, importQuality, statusCounts } from './import-unit.ts';
export { importJunit } from './junit.ts';
export { type ImportKind, importKinds, readQuality } from './kind.ts';
export { type ImportRow, latestChecks, mergeChecks } from './latest.ts';
export { type Score, scoreOf } from './score.ts';
