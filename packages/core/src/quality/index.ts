export * from './check.ts';
export { latestChecks } from './latest.ts';
