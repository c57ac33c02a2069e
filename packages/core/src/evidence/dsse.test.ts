import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { decodeEnvelope, ed25519Signer, envelopeOf, pae, signEnvelope, signingKeys, signPayload, verifySignature } from './dsse.ts';
import { publicKeyOf, rawPublicKey } from './key.ts';
import { signerOf } from './log.fixture.ts';

const keyOf = (name: string) => publicKeyOf(rawPublicKey(signerOf(name).public_key_spki));
const payload = Buffer.from('hello world');

describe('DSSE', () => {
  test('pre-authentication encoding is the one of the specification', () => {
    expect(Buffer.from(pae('http://example.com/HelloWorld', payload)).toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
  });

  test('lengths are bytes, so that type and body cannot be shifted into each other', () => {
    expect(Buffer.from(pae('é', Buffer.from('ü'))).toString()).toBe('DSSEv1 2 é 2 ü');
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (typeA, bodyA, typeB, bodyB) => {
        const equal = typeA === typeB && bodyA === bodyB;
        expect(Buffer.compare(pae(typeA, Buffer.from(bodyA)), pae(typeB, Buffer.from(bodyB))) === 0).toBe(equal);
      }),
    );
  });

  test('a signature is bound to payload, type and key', () => {
    const { sig } = signPayload(payload, signerOf('a'));
    expect(verifySignature(keyOf('a').key, payload, sig)).toBe(true);
    expect(verifySignature(keyOf('b').key, payload, sig)).toBe(false);
    expect(verifySignature(keyOf('a').key, Buffer.from('hello worlD'), sig)).toBe(false);
    expect(verifySignature(keyOf('a').key, payload, sig, 'text/plain')).toBe(false);
  });

  test('a threshold counts distinct public keys: neither signatures nor names', () => {
    const twice = signEnvelope(payload, [signerOf('a'), signerOf('a')]);
    const { sigs } = decodeEnvelope(twice) ?? { sigs: [] };
    expect(sigs).toHaveLength(2);
    expect(signingKeys(payload, sigs, [keyOf('a'), keyOf('a'), keyOf('b')])).toHaveLength(1);
    const both = decodeEnvelope(signEnvelope(payload, [signerOf('a'), signerOf('b')]));
    expect(signingKeys(payload, both?.sigs ?? [], [keyOf('a'), keyOf('b'), keyOf('c')])).toHaveLength(2);
  });

  test('keyid decides nothing', () => {
    const envelope = envelopeOf(payload, [
      { keyid: keyOf('b').keyid, sig: signerOf('a').sign(pae('application/vnd.in-toto+json', payload)) },
    ]);
    const { sigs } = decodeEnvelope(envelope) ?? { sigs: [] };
    expect(signingKeys(payload, sigs, [keyOf('a'), keyOf('b')]).map(({ keyid }) => keyid)).toEqual([keyOf('a').keyid]);
  });

  test('both base64 alphabets are read, garbage is not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const standard = encodeBase64(bytes);
        const url = Buffer.from(bytes).toString('base64url');
        for (const text of [standard, url, standard.replaceAll('+', '-').replaceAll('/', '_')]) {
          expect(decodeBase64(text, 'either')).toEqual(Buffer.from(bytes));
        }
        expect(decodeBase64(standard)).toEqual(Buffer.from(bytes));
        expect(decodeBase64(` ${standard}`, 'either')).toBeUndefined();
      }),
    );
    for (const text of ['a', 'aGk', 'aGk=\n', 'aG k=', 'aGl=', 'aGk==', '-_8=']) expect(decodeBase64(text), text).toBeUndefined();
    for (const text of ['+_8=', 'aGl=', 'aGk\n', '*']) expect(decodeBase64(text, 'either'), text).toBeUndefined();
    expect(decodeEnvelope({ payloadType: 'x', payload: '*', signatures: [] })).toBeUndefined();
    expect(decodeEnvelope({ payloadType: 'x', payload: '', signatures: [{ sig: '*' }] })).toBeUndefined();
  });

  test('only an Ed25519 private key signs', () => {
    expect(() => ed25519Signer(generateKeyPairSync('ed25519').publicKey)).toThrow(TypeError);
    expect(() => ed25519Signer(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)).toThrow(TypeError);
  });
});
