export * from './decision.ts';
export * from './document.ts';
export * from './finish.ts';
export * from './job-file.ts';
export * from './manifest.ts';
export * from './run.ts';
export * from './step.ts';
export * from './write.ts';
