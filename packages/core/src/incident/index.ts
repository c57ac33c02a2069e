export * from './denial.ts';
export * from './incident.ts';
export * from './lesson.ts';
export * from './resolve.ts';
export * from './write.ts';
