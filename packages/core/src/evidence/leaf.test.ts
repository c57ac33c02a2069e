import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from './digest.ts';
import { signPayload } from './dsse.ts';
import { canonicalJson } from './jcs.ts';
import { envelopeOfLeaf, leafBody, parseLeafBody } from './leaf.ts';
import { promotionDraft, signerOf } from './log.fixture.ts';

const draft = promotionDraft(1);
const signatures = [signPayload(draft.payload, signerOf('a')), signPayload(draft.payload, signerOf('b'))];
const body = leafBody(draft.ref, signatures);

const readOrNull = (bytes: Uint8Array) => {
  try {
    return parseLeafBody(bytes);
  } catch {
    return null;
  }
};

describe('the logged body', () => {
  test('has the Rekor v2 dsse/0.0.2 shape, in RFC 8785 form', () => {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    expect(canonicalJson(value)).toBe(Buffer.from(body).toString());
    expect(value).toMatchObject({
      kind: 'dsse',
      apiVersion: '0.0.2',
      spec: { dsseV002: { payloadHash: { algorithm: 'SHA2_256', digest: Buffer.from(draft.ref.slice(7), 'hex').toString('base64') } } },
    });
  });

  test('of one signature is read back like that of many', () => {
    const [first] = signatures;
    if (first === undefined) throw new Error('no signature');
    const one = leafBody(draft.ref, [first]);
    expect(parseLeafBody(one)).toEqual({ payload_digest: draft.ref, signatures: [{ ...first, keyid: signerOf('a').keyid }] });
    fc.assert(
      fc.property(fc.nat(one.byteLength - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const edited = Uint8Array.from(one);
        edited[at] = byte;
        const leaf = readOrNull(edited);
        // Whatever was changed: it is refused, or it says something else, in the one way it can be said.
        if (leaf !== null) expect(Buffer.from(leafBody(leaf.payload_digest, leaf.signatures)).equals(edited)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('is read back, and gives the envelope again from the payload', () => {
    const leaf = parseLeafBody(body);
    expect(leaf.payload_digest).toBe(draft.ref);
    expect(leaf.signatures.map(({ keyid }) => keyid)).toEqual([signerOf('a').keyid, signerOf('b').keyid]);
    const envelope = envelopeOfLeaf(draft.payload, leaf);
    expect(Buffer.from(envelope.payload, 'base64').equals(draft.payload)).toBe(true);
    expect(envelope.signatures).toHaveLength(2);
  });

  test('never holds the payload', () => {
    const text = Buffer.from(body).toString();
    for (const secret of ['alice', 'snap-1', Buffer.from('alice').toString('base64').slice(0, 6)]) expect(text).not.toContain(secret);
    expect(leafBody(digestOf('x'.repeat(1_000_000)), signatures)).toHaveLength(body.byteLength);
  });

  test('other bytes that mean the same, and other shapes, are refused', () => {
    for (const text of [body, leafBody(draft.ref, signatures.slice(0, 1))].map((bytes) => Buffer.from(bytes).toString()))
      for (const other of [
        text.replace('{"apiVersion"', '{ "apiVersion"'),
        text.replace('"0.0.2"', '"0.0.3"'),
        text.replace('"kind":"dsse"', '"kind":"hashedrekord"'),
        text.replace('SHA2_256', 'SHA2_512'),
        text.replace('PKIX_ED25519', 'PKIX_ECDSA_P256_SHA_256'),
        text.replace('"kind":"dsse"', '"extra":1,"kind":"dsse"'),
        text.replace('"kind":"dsse"', '"kind":"dsse","kind":"dsse"'),
        text.replace(/"digest":"[^"]+"/, '"digest":"AAAA"'),
        text.replace(/"content":"[^"]+"/, '"content":"*"'),
        text.slice(0, -1),
        '',
        'null',
      ]) {
        expect(() => parseLeafBody(Buffer.from(other)), other.slice(0, 60)).toThrow('the leaf is malformed');
      }
  });
});
