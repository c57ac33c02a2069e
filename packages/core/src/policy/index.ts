export { type ActiveSet, activatePack, deactivatePack, type PackActivation } from './activate-pack.ts';
export { type Applied, type ApplyProblem, applyContract } from './apply-contract.ts';
export { type CompiledPack, type CompiledRule, compilePack, compilePacks } from './compile.ts';
export {
  type Contract,
  type ContractFile,
  contractFileSchema,
  contractSchema,
  type PromotionType,
  promotionTypeSchema,
  promotionTypes,
} from './contract.ts';
export { type ContractChange, diffContracts } from './contract-diff.ts';
export { applyContractUnit } from './contract-unit.ts';
export { diffPacks, type FieldChange, type PackDiff } from './diff.ts';
export { durationMs, durationSchema } from './duration.ts';
export { evaluateRules } from './evaluate.ts';
export type { GovernanceContext } from './governance-fact.ts';
export { type Lint, lintPack } from './lint.ts';
export { type Fixture, type Pack, type PackRef, packSchema, type Rule, ruleOccasions } from './pack.ts';
export { policyRevOf, withPack } from './policy-rev.ts';
export { readContract } from './read-contract.ts';
export { type FixtureResult, type PackTest, testPack } from './test-pack.ts';
export { type VariableName, variableNames, variableShapes } from './variable.ts';
export { addWaiver, revokeWaiver, type Waiver, waiverSubject } from './waiver.ts';
export type { GovernanceWrites } from './write.ts';
export type { FileProblem, YamlFile } from './yaml-file.ts';
