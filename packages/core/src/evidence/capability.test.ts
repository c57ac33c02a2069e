import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import {
  type CapabilityClaims,
  type CapabilityPolicy,
  type CapabilityRequest,
  checkCapability,
  maxCapabilityTtl,
  mintCapability,
} from './capability.ts';
import { digestOf } from './digest.ts';
import { publicKeyOf, rawPublicKey } from './key.ts';
import { privateKeyOf, signerOf } from './log.fixture.ts';
import { vectorFolder } from './vector.fixture.ts';

const now = new Date('2026-11-21T03:00:00.000Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const publicKey = (name: string) => publicKeyOf(rawPublicKey(signerOf(name).public_key_spki)).key;
const signer = { kid: 'cap-1', key: privateKeyOf('capability') };
const policy: CapabilityPolicy = {
  keys: [{ kid: 'cap-1', key: publicKey('capability') }],
  issuer: 'govd',
  audience: 'govd/local_parity',
  now,
};
const request: CapabilityRequest = {
  iss: 'govd',
  aud: 'govd/local_parity',
  sub: 'HUMAN::alice',
  ref: digestOf('ref'),
  dig: digestOf('bytes'),
  len: 5,
  jti: '00112233445566778899aabbccddeeff',
  rid: digestOf('resolution'),
};

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

async function reasonFor(token: string, changed: Partial<CapabilityPolicy> = {}): Promise<string> {
  const result = await checkCapability(token, { ...policy, ...changed });
  return result.ok ? 'ok' : result.reason;
}

/** Signed with the right key, but saying what mintCapability never would. */
async function signed(claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
  return await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ: 'govctl-cap+jwt', kid: 'cap-1', ...header }).sign(signer.key);
}

describe('a capability', () => {
  test('is checked as it was minted', async () => {
    const { token, claims } = await mintCapability(request, signer, now);
    expect(await checkCapability(token, policy)).toEqual({ ok: true, claims });
    expect(claims).toEqual({ ...request, mth: ['GET', 'HEAD'], iat: 1795230000, nbf: 1795230000, exp: 1795230060 });
    const bound = await mintCapability({ ...request, cnf: { 'x5t#S256': 'A'.repeat(43) } }, signer, now);
    expect(await checkCapability(bound.token, policy)).toMatchObject({ ok: true, claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } });
  });

  test('lives as long as it says, to the second', async () => {
    const { token } = await mintCapability({ ...request, ttl: 30 }, signer, now);
    expect(await reasonFor(token, { now: later(29) })).toBe('ok');
    for (const seconds of [30, 31, 36, 3600]) expect(await reasonFor(token, { now: later(seconds) })).toBe('expired');
    expect(await reasonFor(token, { now: later(-5) })).toBe('ok');
    expect(await reasonFor(token, { now: later(-6) })).toBe('not-yet-valid');
  });

  test('lives 300 s at most, whoever minted it', async () => {
    for (const ttl of [0, -1, 301, 1.5, Number.NaN])
      await expect(mintCapability({ ...request, ttl }, signer, now)).rejects.toThrow(RangeError);
    const { claims } = await mintCapability({ ...request, ttl: maxCapabilityTtl }, signer, now);
    expect(await reasonFor(await signed(claims))).toBe('ok');
    expect(await reasonFor(await signed({ ...claims, exp: claims.exp + 1 }))).toBe('too-long-lived');
    expect(await reasonFor(await signed({ ...claims, nbf: claims.nbf - 1 }))).toBe('too-long-lived');
  });

  test('is for one issuer, one audience, one key', async () => {
    const { token, claims } = await mintCapability(request, signer, now);
    expect(await reasonFor(token, { audience: 'govd/prod' })).toBe('wrong-audience');
    expect(await reasonFor(token, { issuer: 'other' })).toBe('wrong-audience');
    expect(await reasonFor(token, { keys: [{ kid: 'cap-1', key: publicKey('mallory') }] })).toBe('untrusted');
    expect(await reasonFor(token, { keys: [{ kid: 'cap-2', key: publicKey('capability') }] })).toBe('untrusted');
    expect(await reasonFor(token, { keys: [{ kid: 'cap-2', key: publicKey('mallory') }, ...policy.keys] })).toBe('ok');
    expect(await reasonFor(await signed({ ...claims, aud: ['govd/local_parity', 'govd/prod'] }))).toBe('wrong-claims');
  });

  test('has every claim and no other', async () => {
    const { claims } = await mintCapability(request, signer, now);
    for (const name of Object.keys(claims) as (keyof CapabilityClaims)[]) {
      const { [name]: _gone, ...rest } = claims;
      expect(await reasonFor(await signed(rest)), `without ${name}`).not.toBe('ok');
    }
    for (const extra of [
      { scope: 'admin' },
      { mth: ['GET', 'HEAD', 'PUT'] },
      { mth: ['PUT', 'HEAD'] },
      { len: -1 },
      { ref: 'latest' },
      { jti: 'x' },
    ]) {
      expect(await reasonFor(await signed({ ...claims, ...extra }))).toBe('wrong-claims');
    }
  });

  test('is of its own type: another token by the same key is none', async () => {
    const { claims } = await mintCapability(request, signer, now);
    for (const header of [
      { typ: 'at+jwt' },
      { typ: 'JWT' },
      { typ: undefined },
      { kid: undefined },
      { typ: 'application/govctl-cap+jwt' },
      { jku: 'https://mallory.example' },
    ]) {
      expect(await reasonFor(await signed(claims, header)), JSON.stringify(header)).toBe('malformed');
    }
  });

  test('is not taken with algorithm none, or with the public key as a secret', async () => {
    const { token } = await mintCapability(request, signer, now);
    const [, payload = '', signature = ''] = token.split('.');
    const header = (fields: object) =>
      Buffer.from(JSON.stringify({ typ: 'govctl-cap+jwt', kid: 'cap-1', ...fields })).toString('base64url');
    for (const forged of [
      `${header({ alg: 'none' })}.${payload}.`,
      `${header({ alg: 'none' })}.${payload}.${signature}`,
      `${header({ alg: 'HS256' })}.${payload}.${signature}`,
    ]) {
      expect(await reasonFor(forged)).toBe('malformed');
    }
  });

  test('has one spelling: any other byte, space, padding or stray bit is refused', async () => {
    const { token } = await mintCapability(request, signer, now);
    const last = token.at(-1) ?? '';
    const stray = alphabet[alphabet.indexOf(last) ^ 1] ?? '';
    const spellings = [
      `${token} `,
      ` ${token}`,
      `${token}=`,
      `${token}\n`,
      token.replace('.', ' .'),
      token.replace('.', '. '),
      token.slice(0, -1) + stray,
      `${token}.`,
      token.replace('.', '..'),
    ];
    for (const spelling of spellings) expect(await reasonFor(spelling), JSON.stringify(spelling)).toBe('malformed');
    expect(await reasonFor(token.padEnd(5000, 'A'))).toBe('malformed');
  });

  test('with any single change is refused: a character put in, taken out or exchanged, two swapped, an end cut off', async () => {
    const { token } = await mintCapability(request, signer, now);
    const at = fc.nat({ max: token.length - 1 });
    const character = fc.oneof(
      fc.constantFrom(...alphabet, '.', ' ', '=', '+', '/', '%', '\n'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    const changed = fc.oneof(
      fc.tuple(at, character).map(([place, one]) => token.slice(0, place) + one + token.slice(place + 1)),
      fc.tuple(at, character).map(([place, one]) => token.slice(0, place) + one + token.slice(place)),
      at.map((place) => token.slice(0, place) + token.slice(place + 1)),
      at.map((place) => token.slice(0, place) + (token[place + 1] ?? '') + (token[place] ?? '') + token.slice(place + 2)),
      at.map((place) => token.slice(0, place)),
      fc.tuple(at, fc.boolean()).map(([place, upper]) => {
        const one = token[place] ?? '';
        return token.slice(0, place) + (upper ? one.toUpperCase() : one.toLowerCase()) + token.slice(place + 1);
      }),
    );
    await fc.assert(
      fc.asyncProperty(changed, async (other) => {
        fc.pre(other !== token);
        expect(await reasonFor(other)).toMatch(/^(malformed|untrusted)$/);
      }),
      { numRuns: 500 },
    );
  });

  test('with any bit of what it says changed is refused, also when the change reads well', async () => {
    const { token, claims } = await mintCapability({ ...request, cnf: { 'x5t#S256': 'A'.repeat(43) } }, signer, now);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const parts = [header, payload, signature].map((part) => Buffer.from(part, 'base64url'));
    const flipped = fc.nat({ max: 2 }).chain((part) =>
      fc.nat({ max: (parts[part]?.length ?? 1) * 8 - 1 }).map((bit) =>
        parts
          .map((bytes, index) => {
            const copy = Buffer.from(bytes);
            if (index === part) copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
            return copy.toString('base64url');
          })
          .join('.'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(flipped, async (other) => {
        expect(await reasonFor(other)).toMatch(/^(malformed|untrusted)$/);
      }),
      { numRuns: 500 },
    );
    for (const [name, value] of Object.entries({ ...claims, sub: 'HUMAN::mallory', exp: claims.exp + 1, iat: claims.iat - 1 })) {
      const other =
        typeof value === 'number'
          ? value + 2
          : typeof value === 'string'
            ? value.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
            : null;
      const said = Buffer.from(JSON.stringify({ ...claims, [name]: other })).toString('base64url');
      expect(await reasonFor(`${header}.${said}.${signature}`), name).toBe('untrusted');
    }
  });

  test('whose claims are spelt in another way is refused, though the right key signed it', async () => {
    const { claims } = await mintCapability(request, signer, now);
    const text = JSON.stringify(claims);
    const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'govctl-cap+jwt', kid: 'cap-1' })).toString('base64url');
    const over = (payload: string) => {
      const input = `${header}.${Buffer.from(payload).toString('base64url')}`;
      return `${input}.${sign(null, Buffer.from(input), signer.key).toString('base64url')}`;
    };
    expect(await reasonFor(over(text))).toBe('ok');
    for (const other of [
      text.replace('{', '{"exp":9999999999,'),
      text.replace('"exp"', '"e\\u0078p"'),
      text.replace('"exp":', '"exp": '),
      text.replace(/"exp":\d+/, '"exp":1.79523006e9'),
      `\ufeff${text}`,
      text.slice(0, -1),
      '[]',
      'null',
    ])
      expect(await reasonFor(over(other)), other.slice(0, 60)).toBe('wrong-claims');
    expect(await reasonFor(over(text.replace('HUMAN::alice', 'x'.repeat(3000))))).toBe('malformed');
  });

  test('nothing hostile throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        expect(await reasonFor(text)).toBe('malformed');
      }),
    );
  });
});

const wycheproof = vectorFolder('wycheproof');

describe.skipIf(wycheproof === undefined)('Wycheproof JWS', () => {
  test('not one of 401 tokens is a capability, and none comes as far as a key', async () => {
    const { testGroups } = JSON.parse(readFileSync(`${wycheproof}/json_web_signature_test.json`, 'utf8')) as {
      testGroups: { tests: { jws: unknown }[] }[];
    };
    const tokens = testGroups.flatMap(({ tests }) => tests.map(({ jws }) => (typeof jws === 'string' ? jws : JSON.stringify(jws))));
    expect(tokens).toHaveLength(401);
    for (const token of tokens) expect(await reasonFor(token)).toBe('malformed');
  });
});
