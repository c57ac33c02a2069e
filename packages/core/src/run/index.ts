export * from './authority.ts';
export { breakLock, type HeldLock, lockTarget } from './lock.ts';
export * from './mid-run.ts';
export * from './observability.ts';
export * from './pause.ts';
export * from './phase.ts';
export { resumeTenant, suspendTenant } from './tenant.ts';
export * from './threshold.ts';
export type { RunControlWrites } from './write.ts';
