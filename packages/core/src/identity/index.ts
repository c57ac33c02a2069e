export * from './actor.ts';
export * from './write.ts';
