import { generateKeyPairSync } from 'node:crypto';
import { ed25519Signer, emptyRoot, type Signer } from '@govctl/core/evidence';
import { expect, it } from 'vitest';
import { keptSeal } from './log-seal.ts';
import type { LogStanding } from './second-place.ts';

const origin = 'log.example/seal';
const place = { keep: () => undefined, trouble: () => null, close: async () => undefined };
const rootOf = (byte: number) => new Uint8Array(32).fill(byte);

function sealOf(standing: LogStanding) {
  const own = ed25519Signer(generateKeyPairSync('ed25519').privateKey);
  const signed: string[] = [];
  const signer: Signer = {
    ...own,
    sign(bytes) {
      signed.push(Buffer.from(bytes).toString());
      return own.sign(bytes);
    },
  };
  return { seal: keptSeal({ standing, origin, signer, place }), signed };
}

it('signs a head that records are read under once, and another root of the same size again', () => {
  const { seal, signed } = sealOf({ is: 'new' });
  const note = seal.checkpointOf({ size: 7, root: rootOf(1) });
  expect(seal.checkpointOf({ size: 7, root: rootOf(1) })).toBe(note);
  expect(signed).toHaveLength(1);
  expect(seal.checkpointOf({ size: 7, root: rootOf(2) })).not.toBe(note);
  for (let size = 8; size < 108; size += 1) seal.checkpointOf({ size, root: rootOf(3) });
  expect(seal.checkpointOf({ size: 7, root: rootOf(1) })).toBe(note);
  expect(signed).toHaveLength(103);
});

it('signs nothing of a log that does not continue what was signed', () => {
  const last = { origin, size: 9, root: emptyRoot, signatures: [], others: [], text: '' };
  const { seal, signed } = sealOf({ is: 'behind', why: 'an older copy', last });
  expect(() => seal.checkpointOf({ size: 7, root: rootOf(1) })).toThrow('signs nothing: an older copy');
  expect(signed).toEqual([]);
});
