import { describe, expect, test } from 'vitest';
import { isProblem } from '../api/problem.ts';
import { publicKeyOf, publicKeyPem, rawPublicKey } from './key.ts';
import { origin, signerOf, trustOver } from './log.fixture.ts';
import { formatVerifierKey } from './note.ts';
import { isValidAt, loadTrust, logVerifiers } from './trust.ts';

const trust = trustOver({ decision: 'decision', log: 'log' });

function refusal(document: unknown): string {
  try {
    loadTrust(document);
  } catch (error) {
    if (isProblem(error) && error.code === 'untrusted-keys') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a trust root', () => {
  test('is read, with a verifier for the log', () => {
    const root = loadTrust(JSON.parse(JSON.stringify(trust)));
    expect(root.origin).toBe(origin);
    expect(root.keys.map(({ purpose, role }) => [purpose, role])).toEqual([
      ['decision', 'governance'],
      ['log', 'log'],
    ]);
    expect(logVerifiers(root).map(({ name }) => name)).toEqual([origin]);
  });

  test('has its own verifiers: what was made ready for one root is not asked by another', () => {
    const root = loadTrust(JSON.parse(JSON.stringify(trust)));
    const other = loadTrust(JSON.parse(JSON.stringify(trustOver({ decision: 'decision', log: 'another' }))));
    const [own] = logVerifiers(root);
    expect(logVerifiers(root)[0]).toBe(own);
    expect(logVerifiers(other)[0]?.public_key).not.toEqual(own?.public_key);
  });

  test('is closed', () => {
    expect(refusal({ ...trust, extra: 1 })).toContain('extra');
    expect(refusal({ ...trust, keys: trust.keys.map((key) => ({ ...key, expires: '2027-01-01' })) })).toContain('expires');
    for (const gone of ['schemaVersion', 'kind', 'log', 'keys', 'requirements'] as const) {
      const { [gone]: _, ...rest } = trust;
      expect(refusal(rest)).not.toBe('accepted');
    }
    for (const document of [null, 1, 'trust', [], { ...trust, keys: [] }, { ...trust, requirements: [] }])
      expect(refusal(document)).not.toBe('accepted');
  });

  test('takes no weak key', () => {
    const neutral = Buffer.alloc(32);
    neutral[0] = 1;
    const weak = publicKeyPem(publicKeyOf(neutral));
    expect(refusal({ ...trust, keys: [...trust.keys, { ...trust.keys[0], public_key: weak }] })).toContain('low order');
  });

  test('has one purpose for each key', () => {
    const [decision] = trust.keys;
    expect(refusal({ ...trust, keys: [...trust.keys, { ...decision, purpose: 'token' }] })).toContain('two purposes');
    expect(refusal({ ...trust, keys: [...trust.keys, { ...decision, from_index: 5 }] })).toBe('accepted');
    expect(refusal({ ...trust, keys: [...trust.keys, { ...decision, from_index: 5, to_index: 5 }] })).toContain('valid at no index');
  });

  test('names its log by a key it holds', () => {
    const other = formatVerifierKey(origin, rawPublicKey(signerOf('mallory').public_key_spki));
    expect(refusal({ ...trust, log: { origin, vkey: other } })).toContain('not one of the log keys');
    const elsewhere = formatVerifierKey('other.example/log', rawPublicKey(signerOf('log').public_key_spki));
    expect(refusal({ ...trust, log: { origin, vkey: elsewhere } })).toContain('is of other.example/log');
    expect(refusal({ ...trust, log: { origin, vkey: trust.log.vkey.replace(/.$/, 'A') } })).not.toBe('accepted');
    expect(refusal({ ...trust, log: { origin: 'a b', vkey: trust.log.vkey } })).not.toBe('accepted');
  });

  test('ranges include their first index and exclude their last', () => {
    expect([0, 4, 5, 9, 10].map((index) => isValidAt({ from_index: 5, to_index: 10 }, index))).toEqual([false, false, true, true, false]);
    expect(isValidAt({ from_index: 0, to_index: null }, Number.MAX_SAFE_INTEGER)).toBe(true);
  });
});
