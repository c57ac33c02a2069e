export * from './mid-run.ts';
export * from './observability.ts';
export * from './pause.ts';
export * from './phase.ts';
