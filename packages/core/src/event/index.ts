export * from './event.ts';
export * from './sse.ts';
