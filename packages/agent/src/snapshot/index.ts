export { type SnapshotDependencies, snapshotHandlers } from './handler.ts';
