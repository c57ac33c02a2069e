export * from './actor.ts';
export * from './api-key-unit.ts';
export * from './write.ts';
