export * from './contract.ts';
export * from './duration.ts';
