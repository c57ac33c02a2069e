import { generateKeyPairSync } from 'node:crypto';
import { digestOf, ed25519Signer, publicKeyOf, rawPublicKey, type Signer, signPayload, type TrustRoot } from '@govctl/core/evidence';
import { expect, it } from 'vitest';
import { SignatureChecker, type SignedLeaf } from './signature-checker.ts';

const signer = () => ed25519Signer(generateKeyPairSync('ed25519').privateKey);
const trustedKey = (of: Signer, role: string, from_index = 0, to_index: number | null = null) =>
  ({ ...publicKeyOf(rawPublicKey(of.public_key_spki)), purpose: 'decision', role, from_index, to_index }) as const;

const [one, two, stranger] = [signer(), signer(), signer()];
const trust: TrustRoot = {
  origin: 'log',
  // One key stands there twice: it is one signer all the same.
  keys: [trustedKey(one, 'governance', 0, 100), trustedKey(one, 'governance', 0, 50), trustedKey(two, 'governance')],
  requirements: [
    { kinds: ['decision'], role: 'governance', threshold: 2 },
    { kinds: ['audit'], role: 'governance', threshold: 1 },
  ],
  witnesses: null,
};

function leaf(leaf_index: number, kind: string, signers: readonly Signer[]): SignedLeaf {
  const payload = Buffer.from(`${kind} ${leaf_index}`);
  return { leaf_index, ref: digestOf(payload), kind, payload, signatures: signers.map((by) => signPayload(payload, by)) };
}

async function findings(batches: readonly (readonly SignedLeaf[])[]): Promise<{ told: Record<number, string>; leaves: number }> {
  const told: Record<number, string> = {};
  await using checker = new SignatureChecker(trust, 2, ({ leaf_index }, detail) => {
    told[leaf_index] = detail;
  });
  for (const batch of batches) {
    await checker.room();
    checker.submit(batch);
  }
  await checker.settled();
  return { told, leaves: checker.done.leaves };
}

it('finds what trusted keys did not sign, whatever a leaf says of itself', async () => {
  const good = leaf(1, 'audit', [one]);
  const [signature] = good.signatures;
  if (signature === undefined) throw new Error('unsigned');
  const other = { ...signature, sig: leaf(2, 'audit', [one]).signatures[0]?.sig ?? new Uint8Array(0) };
  const { told, leaves } = await findings([
    [good, leaf(2, 'decision', [one, two]), leaf(3, 'audit', [stranger])],
    [leaf(4, 'decision', [one]), leaf(5, 'decision', [one, one]), leaf(6, 'waiver', [one])],
    [leaf(100, 'audit', [one]), leaf(101, 'audit', [two]), { ...leaf(7, 'audit', []), signatures: [other] }],
    [
      { ...leaf(8, 'audit', []), signatures: [{ ...signature, sig: signature.sig.subarray(1) }] },
      { ...good, leaf_index: 9, signatures: [] },
    ],
  ]);
  const none = '0 of 1 trusted keys of role governance signed it';
  const half = '1 of 2 trusted keys of role governance signed it';
  expect(told).toEqual({ 3: none, 4: half, 5: half, 6: 'the trust root accepts no waiver', 7: none, 8: none, 9: none, 100: none });
  expect(leaves).toBe(11);
});

it('has room for a bounded number of batches, and more when it may have more threads', async () => {
  await using checker = new SignatureChecker(trust, 1, () => {});
  const batch = Array.from({ length: 50 }, (_, at) => leaf(at, 'audit', [one]));
  expect(checker.hasRoom).toBe(true);
  checker.submit(batch);
  checker.submit(batch);
  expect([checker.hasRoom, checker.threads]).toEqual([false, 1]);
  checker.widen(2);
  expect(checker.hasRoom).toBe(true);
  checker.submit(batch);
  expect(checker.threads).toBe(2);
  await checker.settled();
  expect(checker.done.leaves).toBe(150);
});
