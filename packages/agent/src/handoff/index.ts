export type { AdmittedLine, BirthReceipt, Births, NewPermit } from './birth-admission.ts';
export { SqliteBirths } from './births.ts';
export { attachBirths } from './births-attachment.ts';
export { coverageSource } from './coverage.ts';
export { type HandoffDependencies, handoffHandlers } from './handler.ts';
export { type Handoff, type HandoffSettings, openHandoff } from './open.ts';
export { SqliteTail, type TailOptions } from './tail.ts';
export { TailLoop, type TailLoopOptions, type TailObserver } from './tail-loop.ts';
export type { Tail, TailStep } from './tail-port.ts';
