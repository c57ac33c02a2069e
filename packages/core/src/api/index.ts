export * from './common.ts';
export * from './exit-code.ts';
export * from './problem.ts';
export * from './route.ts';
export * from './route-list.ts';
export * from './route/system.ts';
export * from './strict-json.ts';
