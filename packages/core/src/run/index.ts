export * from './phase.ts';
