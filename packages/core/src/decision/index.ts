export * from './bundle.ts';
export * from './decision.ts';
export * from './facts.ts';
