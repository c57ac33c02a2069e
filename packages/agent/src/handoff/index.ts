export { SqliteBirths } from './births.ts';
export { attachBirths } from './births-attachment.ts';
export { coverageSource } from './coverage.ts';
export { type HandoffDependencies, handoffHandlers } from './handler.ts';
export { type Handoff, type HandoffSettings, openHandoff } from './open.ts';
export { SqliteTail, type TailOptions, type TailStep } from './tail.ts';
export { TailLoop, type TailLoopOptions, type TailObserver } from './tail-loop.ts';
