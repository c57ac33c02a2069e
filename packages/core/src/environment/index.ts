export { type Environment, environments } from './environment.ts';
export { parityContract, parityTerms } from './parity-contract.ts';
