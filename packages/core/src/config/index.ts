export * from './cli-config.ts';
export * from './yaml-document.ts';
