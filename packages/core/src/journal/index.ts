export * from './change.ts';
export * from './unit.ts';
