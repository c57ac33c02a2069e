export { type GateInputFact, isDataReason, judgeStep, type Signal, type StepFacts, type StepGate, type UnmetReason } from './gate.ts';
export { type Detection, detectInput } from './input/detect.ts';
export { type KindName, kindNames } from './input/kind.ts';
export { headBytes } from './input/text.ts';
export { type Requires, requiresSchema } from './requires.ts';
