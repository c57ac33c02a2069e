import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CompactSign } from 'jose';
import { describe, expect, test } from 'vitest';
import { checkCompactJws } from './compact-jws.ts';
import { publicKeyOf, rawPublicKey } from './key.ts';
import { privateKeyOf, signerOf } from './log.fixture.ts';
import { vectorFolder } from './vector.fixture.ts';

const publicKey = publicKeyOf(rawPublicKey(signerOf('capability').public_key_spki)).key;
const maxBytes = { header: 256, payload: 1024 };
const check = async (token: string, key: KeyObject = publicKey, algorithm = 'EdDSA') => {
  const result = await checkCompactJws(token, { algorithm, keyFor: () => key, maxBytes });
  return result.ok ? 'ok' : result.reason;
};
const encoded = (value: string | Uint8Array) => Buffer.from(value as string).toString('base64url');

/** Signed over exactly these bytes, whatever they are: what a signer that means harm or is broken could send. */
async function signedOver(header: string | Uint8Array, payload = '{"a":1}'): Promise<string> {
  const { sign } = await import('node:crypto');
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${sign(null, Buffer.from(input), privateKeyOf('capability')).toString('base64url')}`;
}

describe('a header', () => {
  test('in its one spelling is read, whoever wrote it', async () => {
    expect(await check(await signedOver('{"alg":"EdDSA"}'))).toBe('ok');
    const token = await new CompactSign(Buffer.from('x')).setProtectedHeader({ alg: 'EdDSA', kid: 'k' }).sign(privateKeyOf('capability'));
    expect(await check(token)).toBe('ok');
  });

  test.each<[string, string | Uint8Array]>([
    ['with a name twice, the last one good', '{"alg":"none","alg":"EdDSA"}'],
    ['with a name twice, spelt with an escape', '{"alg":"none","\\u0061lg":"EdDSA"}'],
    ['with a name spelt with an escape', '{"\\u0061lg":"EdDSA"}'],
    ['with a value spelt with an escape', '{"alg":"\\u0045dDSA"}'],
    ['with a letter that only looks alike', '{"alg":"\u0415dDSA"}'],
    ['with a full-width name', '{"\uff41lg":"EdDSA"}'],
    ['in another case', '{"ALG":"EdDSA"}'],
    ['with spaces', '{ "alg": "EdDSA" }'],
    ['with a byte order mark', '\ufeff{"alg":"EdDSA"}'],
    ['with a byte that is no UTF-8', Buffer.concat([Buffer.from('{"alg":"EdDSA","k":"'), Buffer.from([0xff]), Buffer.from('"}')])],
    ['with half a surrogate pair', '{"alg":"EdDSA","k":"\\ud800"}'],
    ['with a null character', '{"alg":"EdDSA\\u0000"}'],
    ['with __proto__', '{"__proto__":{},"alg":"EdDSA"}'],
    ['with a number too exact', '{"alg":"EdDSA","n":9007199254740993}'],
    ['that is a list', '["EdDSA"]'],
    ['that is a text', '"EdDSA"'],
    ['that is null', 'null'],
    ['nested too deep', `{"alg":"EdDSA","x":${'['.repeat(8)}${']'.repeat(8)}}`],
    ['that names no algorithm', '{"kid":"k"}'],
    ['that names several', '{"alg":["EdDSA"]}'],
    ['that names another', '{"alg":"HS256"}'],
    ['that names none', '{"alg":"none"}'],
    ['that names the new word for the same', '{"alg":"Ed25519"}'],
    ['with a critical extension', '{"alg":"EdDSA","crit":["exp"],"exp":1}'],
    ['with an empty list of critical extensions', '{"alg":"EdDSA","crit":[]}'],
    ['with an unencoded payload', '{"alg":"EdDSA","b64":false,"crit":["b64"]}'],
    ['that is too long', `{"alg":"EdDSA","k":"${'x'.repeat(300)}"}`],
    ['that is empty', ''],
  ])('%s is refused, though its signature is good', async (_what, header) => {
    expect(await check(await signedOver(header))).toBe('malformed');
  });

  test('of a payload that is too long is not verified at all', async () => {
    expect(await check(await signedOver('{"alg":"EdDSA"}', 'x'.repeat(1024)))).toBe('ok');
    expect(await check(await signedOver('{"alg":"EdDSA"}', 'x'.repeat(1025)))).toBe('malformed');
    expect(await check(await signedOver('{"alg":"EdDSA"}', 'x'.repeat(1_000_000)))).toBe('malformed');
  });

  test('tells who may verify it before a signature is looked at', async () => {
    const token = await signedOver('{"alg":"EdDSA","kid":"x"}');
    const seen: unknown[] = [];
    const keyFor = (header: unknown) => {
      seen.push(header);
      return 'untrusted' as const;
    };
    expect(await checkCompactJws(token, { algorithm: 'EdDSA', keyFor, maxBytes })).toEqual({ ok: false, reason: 'untrusted' });
    expect(seen).toEqual([{ alg: 'EdDSA', kid: 'x' }]);
  });
});

const wycheproof = vectorFolder('wycheproof');

type Vector = { readonly tcId: number; readonly comment: string; readonly jws: unknown; readonly result: 'valid' | 'invalid' };
type Group = { readonly comment: string; readonly public?: JsonWebKey; readonly private?: JsonWebKey; readonly tests: readonly Vector[] };

/** Where this verifier and the vectors differ, and why. Everything else: `valid` is taken, `invalid` is not. */
const differences: Readonly<Record<number, { readonly taken: boolean; readonly why: string }>> = {
  ...Object.fromEntries([259, 264, 268, 272, 320, 325].map((id) => [id, { taken: false, why: 'an empty payload says nothing' }])),
  346: { taken: false, why: 'the key is for PS256, the token says PS384: the key decides' },
  350: { taken: false, why: 'the key is for PS256, the token says PS384: the key decides' },
  347: { taken: false, why: 'the key is for ES521, which is no algorithm' },
  351: { taken: false, why: 'the key is for ES521, which is no algorithm' },
  367: { taken: true, why: 'the token is byte for byte the valid one of 357' },
  370: { taken: true, why: 'the token is byte for byte the valid one of 357' },
  372: { taken: false, why: 'an invalid character in base64url is skipped by some decoders; there is one spelling here' },
  373: { taken: false, why: 'an invalid character in base64url is skipped by some decoders; there is one spelling here' },
  376: { taken: false, why: 'spaces in the header: there is one spelling here' },
  377: { taken: false, why: 'white space in the header: there is one spelling here' },
};

describe.skipIf(wycheproof === undefined)('Wycheproof JWS, each under the key and algorithm of its group', () => {
  const { testGroups = [] } =
    wycheproof === undefined
      ? {}
      : (JSON.parse(readFileSync(`${wycheproof}/json_web_signature_test.json`, 'utf8')) as { testGroups: readonly Group[] });
  const keyOf = (jwk: JsonWebKey) =>
    jwk.kty === 'oct' ? createSecretKey(Buffer.from(String(jwk.k), 'base64url')) : createPublicKey({ key: jwk, format: 'jwk' });
  const textOf = ({ jws }: Vector) => (typeof jws === 'string' ? jws : JSON.stringify(jws));

  test('all 401: taken or refused as they say, but for what the table says', async () => {
    const wrong: string[] = [];
    let ran = 0;
    for (const group of testGroups) {
      const jwk = group.public ?? group.private ?? {};
      // Keys for encryption name no algorithm, so there is none to pin and nothing is taken under them.
      const algorithm = typeof jwk.alg === 'string' ? jwk.alg : '';
      const key = keyOf(jwk);
      for (const vector of group.tests) {
        const said = await checkCompactJws(textOf(vector), { algorithm, keyFor: () => key, maxBytes: { header: 1024, payload: 4096 } });
        const taken = differences[vector.tcId]?.taken ?? vector.result === 'valid';
        if (said.ok !== taken) wrong.push(`${vector.tcId} ${vector.comment}: ${said.ok ? 'taken' : said.reason}`);
        ran += 1;
      }
    }
    expect({ wrong, ran }).toEqual({ wrong: [], ran: 401 });
  });

  test('every difference is one: the table excuses nothing that would hold anyway', () => {
    const byId = new Map(testGroups.flatMap(({ tests }) => tests.map((vector) => [vector.tcId, vector] as const)));
    const valid = byId.get(357);
    for (const [id, { taken }] of Object.entries(differences)) {
      const vector = byId.get(Number(id));
      expect([id, vector?.result === 'valid']).toEqual([id, !taken]);
      if (taken && vector !== undefined && valid !== undefined) expect(textOf(vector)).toBe(textOf(valid));
    }
  });
});
