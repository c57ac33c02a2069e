import { generateKeyPairSync } from 'node:crypto';
import { permitSeal } from './seal.ts';

/** A key and its seal for one process of tests. */
export const testPermitKey = generateKeyPairSync('ed25519').privateKey;
export const testSeal = permitSeal(testPermitKey);
