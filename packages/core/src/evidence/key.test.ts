import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { weakKeyReason } from './edwards.ts';
import { enrolPublicKey, keyidOf, parsePublicKeyPem, publicKeyOf, publicKeyPem, rawPublicKey, spkiOf, verifyEd25519 } from './key.ts';
import { signerOf } from './log.fixture.ts';
import { vectorFolder } from './vector.fixture.ts';

const cctv = vectorFolder('cctv');
const wycheproof = vectorFolder('wycheproof');

type CctvCase = { number: number; key: string; flags: string[] | null };

describe.skipIf(cctv === undefined)('CCTV Ed25519 vectors at enrolment', () => {
  const cases = cctv === undefined ? [] : (JSON.parse(readFileSync(`${cctv}/ed25519vectors.json`, 'utf8')) as CctvCase[]);
  const weakFlags = ['low_order_A', 'non_canonical_A', 'low_order_component_A'];

  test('914 of 914: a key is refused exactly when it is of low order, has such a part or is not canonical', () => {
    expect(cases).toHaveLength(914);
    for (const { number, key, flags } of cases) {
      const weak = weakFlags.some((flag) => flags?.includes(flag));
      expect(weakKeyReason(Buffer.from(key, 'hex')) !== undefined, `vector ${number}`).toBe(weak);
    }
  });

  test('each reason is told', () => {
    const reasons = new Set(cases.map(({ key }) => weakKeyReason(Buffer.from(key, 'hex'))));
    expect(reasons).toEqual(
      new Set([
        'it is a point of low order',
        'it is not the canonical encoding of a point on the curve',
        'it has a component of low order',
        undefined,
      ]),
    );
  });
});

type WycheproofGroup = { publicKey: { pk: string }; tests: { tcId: number; msg: string; sig: string; result: string }[] };

describe.skipIf(wycheproof === undefined)('Wycheproof Ed25519', () => {
  test('151 of 151', () => {
    const { testGroups } = JSON.parse(readFileSync(`${wycheproof}/ed25519_test.json`, 'utf8')) as { testGroups: WycheproofGroup[] };
    let count = 0;
    for (const { publicKey, tests } of testGroups) {
      const { key } = enrolPublicKey(Buffer.from(publicKey.pk, 'hex'));
      for (const { tcId, msg, sig, result } of tests) {
        count += 1;
        expect(verifyEd25519(key, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex')), `test ${tcId}`).toBe(result === 'valid');
      }
    }
    expect(count).toBe(151);
  });
});

describe('public keys', () => {
  test('a generated key is enrolled and comes back the same through PEM', () => {
    for (let round = 0; round < 8; round += 1) {
      const { publicKey } = generateKeyPairSync('ed25519');
      const raw = rawPublicKey(publicKey.export({ type: 'spki', format: 'der' }));
      const enrolled = enrolPublicKey(raw);
      const again = parsePublicKeyPem(publicKeyPem(enrolled));
      expect(again.keyid).toBe(enrolled.keyid);
      expect(Buffer.compare(again.raw, raw)).toBe(0);
      expect(keyidOf(spkiOf(raw))).toBe(enrolled.keyid);
    }
  });

  test('node:crypto takes the neutral element as a key; enrolment does not', () => {
    const neutral = Buffer.alloc(32);
    neutral[0] = 1;
    expect(() => publicKeyOf(neutral)).not.toThrow();
    expect(() => enrolPublicKey(neutral)).toThrow('low order');
    expect(() => parsePublicKeyPem(publicKeyPem(publicKeyOf(neutral)))).toThrow('low order');
  });

  test('a point off the curve, another length, another algorithm and no PEM at all are refused', () => {
    const off = Buffer.alloc(32);
    off[0] = 2;
    expect(() => enrolPublicKey(off)).toThrow('not the canonical encoding');
    expect(() => enrolPublicKey(Buffer.alloc(31))).toThrow('32 bytes');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => parsePublicKeyPem(publicKey.export({ type: 'spki', format: 'pem' }).toString())).toThrow('Ed25519');
    expect(() => rawPublicKey(publicKey.export({ type: 'spki', format: 'der' }))).toThrow(TypeError);
    expect(() => parsePublicKeyPem('hello')).toThrow('not a PEM');
    expect(() => parsePublicKeyPem('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')).toThrow('cannot be read');
  });

  test('a signature verifies for its message and key alone', () => {
    const signer = signerOf('a');
    const { key } = publicKeyOf(rawPublicKey(signer.public_key_spki));
    const other = publicKeyOf(rawPublicKey(signerOf('b').public_key_spki)).key;
    const message = Buffer.from('message');
    const sig = signer.sign(message);
    expect(verifyEd25519(key, message, sig)).toBe(true);
    expect(verifyEd25519(other, message, sig)).toBe(false);
    expect(verifyEd25519(key, Buffer.from('massage'), sig)).toBe(false);
    expect(verifyEd25519(key, message, sig.subarray(0, 63))).toBe(false);
  });
});
