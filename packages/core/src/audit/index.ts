export * from './expectation.ts';
export * from './owed.ts';
export * from './tell.ts';
export * from './write.ts';
