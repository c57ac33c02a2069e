import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type PermitTerms, permitBytes } from '@govctl/core/handoff';

/** Seals permits, so that whoever can write the table of permits still cannot make one, or change what one admits. */
export type PermitSeal = {
  seal(terms: PermitTerms): string;
  /** Whether the seal is this deployment's and covers these terms. */
  holds(terms: PermitTerms, seal: string | null): boolean;
};

/** @param key the deployment's own Ed25519 key for capabilities, which its hosts share */
export function permitSeal(key: KeyObject): PermitSeal {
  const verifier = createPublicKey(key);
  return {
    seal: (terms) => sign(null, permitBytes(terms), key).toString('base64url'),
    holds: (terms, seal) => seal !== null && verify(null, permitBytes(terms), verifier, Buffer.from(seal, 'base64url')),
  };
}
