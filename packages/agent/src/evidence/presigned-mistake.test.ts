// Every class of mistake that other systems made with URLs that carry their permission, and what happens to it here. Each test
// is named by its class.
import { randomBytes } from 'node:crypto';
import { type Digest, digestOf } from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';

let at: TestDaemon;
let ref: string;
beforeAll(async () => {
  at = await testDaemon();
  await at.govern('orders');
  ref = String((await at.promote('orders', 'run-1')).decision_ref);
});
afterAll(async () => {
  await at.close();
});

type Resolution = { readonly url: string; readonly dig: Digest; readonly len: number; readonly jti: string };
const resolved = async (key?: string, body: unknown = {}) =>
  (await at.call('POST', `/v1/evidence/refs/${ref}/resolve`, { body, ...(key === undefined ? {} : { key }) })).json() as Resolution;
const minted = async (key?: string, body?: unknown) => {
  const resolution = await resolved(key, body);
  const path = resolution.url.slice('http://govd'.length);
  return { ...resolution, path, cap: path.split('cap=')[1] ?? '' };
};
const ask = (path: string, method = 'GET', headers: Record<string, string> = {}) => at.call(method, path, { key: null, headers });
const statusOf = async (path: string, method?: string, headers?: Record<string, string>) => (await ask(path, method, headers)).status;

/** Each of these is refused with 400, and the URL still opens its record afterwards: none of them used it up. */
async function allRefused(spellings: (path: string, cap: string) => readonly string[]): Promise<void> {
  const { path, cap } = await minted();
  for (const spelling of spellings(path, cap))
    expect([spelling.replace(cap, 'CAP'), await statusOf(spelling)]).toEqual([expect.anything(), 400]);
  expect(await statusOf(path)).toBe(200);
}

describe('used many times until it expires (S3)', () => {
  it('works once', async () => {
    const { path } = await minted();
    expect([await statusOf(path), await statusOf(path), await statusOf(path)]).toEqual([200, 410, 410]);
  });
});

describe('lives for days (S3: seven)', () => {
  it('lives 300 s at most, and whoever asks for more gets none', async () => {
    for (const ttl_seconds of [301, 86_400, 604_800, 0, -1, 1.5, null, '60'])
      expect((await at.call('POST', `/v1/evidence/refs/${ref}/resolve`, { body: { ttl_seconds } })).status).toBe(400);
    const real = at.clock.now;
    const { path } = await minted(undefined, { ttl_seconds: 300 });
    at.clock.now = () => new Date(Date.parse(real()) + 301_000).toISOString();
    try {
      expect(await statusOf(path)).toBe(410);
    } finally {
      at.clock.now = real;
    }
  });
});

describe('outlives the authority it was made with (WithSecure: a URL lived on after its instance was terminated)', () => {
  it('ends with the key, with the grant and with the revocation', async () => {
    const key = await at.key('HUMAN::leaver', ['evidence.read'], ['orders']);
    const { path } = await minted(key);
    await at.call('POST', `/v1/keys/api/${key.split('_')[1]}/revoke`, { body: { reason: 'left the team' } });
    expect(await statusOf(path)).toBe(403);
  });
});

describe('a HEAD on a URL signed for GET is refused (aws-sdk-js 457, minio 6146)', () => {
  it('is answered like the GET, and uses nothing up', async () => {
    const { path, dig, len } = await minted();
    for (let round = 0; round < 3; round += 1) {
      const head = await ask(path, 'HEAD');
      expect([head.status, head.bytes.length, head.headers['content-length'], head.headers.etag]).toEqual([
        200,
        0,
        String(len),
        `"${dig}"`,
      ]);
    }
    expect(await statusOf(path)).toBe(200);
  });

  it('costs what a GET costs, so it is answered as often as a GET can be continued, and then not for a minute', async () => {
    const { path } = await minted();
    const other = await minted();
    const statuses: number[] = [];
    for (let round = 0; round < 18; round += 1) statuses.push(await statusOf(path, 'HEAD'));
    expect(statuses).toEqual([...Array.from({ length: 17 }, () => 200), 429]);
    expect(Number((await ask(path, 'HEAD')).headers['retry-after'])).toBeGreaterThan(0);
    expect([await statusOf(other.path, 'HEAD'), await statusOf(path)]).toEqual([200, 200]);
  });

  it('for any other method there is nothing', async () => {
    const { path } = await minted();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect([method, await statusOf(path, method)]).toEqual([method, 404]);
    expect(await statusOf(path)).toBe(200);
  });
});

describe('parameters that no signature covers (aws-cli 10663)', () => {
  it('are not taken, before or after', () =>
    allRefused((path, cap) => [
      `${path}&x=1`,
      `${path}&`,
      `${path};x=1`,
      `/v1/evidence/fetch?x=1&cap=${cap}`,
      `${path}&response-content-type=text/html`,
      `/v1/evidence/fetch?&cap=${cap}`,
      `/v1/evidence/fetch?cap=${cap}?`,
    ]));
});

describe('a parameter of the caller overrides the signed one (Laravel 38111: expires=0 never expired)', () => {
  it('there is one parameter, once', () =>
    allRefused((path, cap) => [
      `${path}&expires=0`,
      `${path}&exp=9999999999`,
      `${path}&cap=${cap}`,
      `/v1/evidence/fetch?cap=x&cap=${cap}`,
      `/v1/evidence/fetch?cap[]=${cap}`,
      `/v1/evidence/fetch?cap[0]=${cap}`,
      `${path}&cap=`,
      `/v1/evidence/fetch?cap=`,
      '/v1/evidence/fetch?cap',
      '/v1/evidence/fetch?',
      '/v1/evidence/fetch',
    ]));
});

describe('what is signed is spelt in another way (Laravel 60137: ? & # in a path; aws-sdk-js-v3 7428, beta9 1548: normalised on one side)', () => {
  it('one spelling of path and parameter is served', () =>
    allRefused((path, cap) => [
      `/v1/evidence/fetch?%63ap=${cap}`,
      `/v1/evidence/fetch?CAP=${cap}`,
      `/v1/evidence/fetch?cap=${cap.replace('.', '%2E')}`,
      `/v1/evidence/fetch?cap=${cap.replace('.', '%252E')}`,
      `/v1/evidence/fetch?cap=+${cap}`,
      `/v1/evidence/fetch?cap=%20${cap}`,
      `${path}=`,
      `${path}%00`,
      `${path}#fragment`,
      `/v1/evidence/fetch#?cap=${cap}`,
      `/v1/evidence/fetch%3Fcap=${cap}`,
      `/v1/evidence/fetch%23?cap=${cap}`,
      `/v1/evidence/%66etch?cap=${cap}`,
      `/v1/evidence/%2566etch?cap=${cap}`,
      `/v1/evidence/fetch/?cap=${cap}`,
      `/v1/evidence//fetch?cap=${cap}`,
      `//v1/evidence/fetch?cap=${cap}`,
      `/v1/./evidence/fetch?cap=${cap}`,
      `/v1/evidence/x/../fetch?cap=${cap}`,
      `/v1/evidence%2ffetch?cap=${cap}`,
      `/v1/evidence\\fetch?cap=${cap}`,
      `/V1/Evidence/Fetch?cap=${cap}`,
      `/v1/evidence/fetch;v=1?cap=${cap}`,
      `http://govd${path}`,
    ]));
});

describe('the check is skipped on another way in (MinIO CVE-2025-31489, CVE-2026-41145, CVE-2026-40344)', () => {
  it('a capability is no credential anywhere else, and a credential is no capability', async () => {
    const { path, cap } = await minted();
    const operatorKey = `govk_${randomBytes(6).toString('hex')}_${randomBytes(32).toString('base64url')}`;
    for (const [method, other] of [
      ['GET', '/v1/evidence'],
      ['GET', '/v1/evidence/export/run-1'],
      ['GET', '/v1/evidence/capabilities'],
      ['POST', `/v1/evidence/refs/${ref}/resolve`],
      ['POST', '/v1/evidence/revocations'],
    ] as const) {
      expect(await statusOf(other, method, { authorization: `Bearer ${cap}` })).toBe(401);
      expect([other, await statusOf(`${other}?cap=${cap}`, method)]).toEqual([other, 401]);
    }
    for (const spelling of ['/v1/evidence/fetch', `/v1/evidence/fetch?cap=${operatorKey}`, `/v1/evidence/fetch?ref=${ref}`])
      expect((await at.call('GET', spelling)).status).toBe(400);
    // Only the URL speaks: neither a header nor a cookie, nor the key of an operator, opens what it does not.
    const elsewhere = {
      cookie: `cap=${cap}`,
      'x-cap': cap,
      'x-original-url': path,
      'x-forwarded-prefix': '/x',
      'x-http-method-override': 'GET',
    };
    expect(await statusOf('/v1/evidence/fetch', 'GET', elsewhere)).toBe(400);
    expect((await ask(path, 'GET', { authorization: 'Bearer wrong' })).status).toBe(200);
    expect((await at.call('GET', path)).status).toBe(410);
  });
});

describe('a URL is made for whoever asks (OpenSign 2205)', () => {
  it('for nobody without a key, and for no record that the key may not read; no record, no URL', async () => {
    const path = `/v1/evidence/refs/${ref}/resolve`;
    expect((await at.call('POST', path, { body: {}, key: null })).status).toBe(401);
    const other = await at.key('SYSTEM::other', ['evidence.read'], ['invoices']);
    const refused = await at.call('POST', path, { body: {}, key: other });
    expect([refused.status, refused.json().url]).toEqual([403, undefined]);
    expect((await at.call('GET', '/v1/evidence/capabilities?actor_id=SYSTEM::other')).json().items).toEqual([]);
    for (const foreign of ['https://mallory.example/x', '../../keys/operator.apikey', `${ref}/../x`, `${ref}%00`])
      expect([400, 404]).toContain(
        (await at.call('POST', `/v1/evidence/refs/${encodeURIComponent(foreign)}/resolve`, { body: {} })).status,
      );
  });
});

describe('its use is seen by nobody unless that was switched on (WithSecure)', () => {
  it('every resolution, use and refusal is logged, counted and (where somebody proved to be somebody) on record', async () => {
    const before = at.lines.length;
    const { path, jti } = await minted();
    await ask(path, 'HEAD');
    await ask(path);
    await ask(path);
    const lines = at.lines.slice(before).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter((line) => line.jti === jti).map(({ outcome, ref: of }) => [outcome, of])).toEqual([
      ['resolved', ref],
      ['head', ref],
      ['served', ref],
      ['replayed', ref],
    ]);
    const metrics = (await ask('/metrics')).bytes.toString();
    for (const outcome of ['resolved', 'head', 'served', 'replayed'])
      expect(metrics).toMatch(new RegExp(`access_total\\{outcome="${outcome}"\\} [1-9]`));
  });
});

describe('it leaks into logs and errors (CWE-532: genblaze 75, reticle 72, hermes-agent 105695)', () => {
  it('no line, no answer and no metric has a capability, whatever was asked', async () => {
    const before = at.lines.length;
    const { path, cap } = await minted();
    const said: string[] = [];
    for (const spelling of [
      path,
      path,
      `${path}&x`,
      `/v1/evidence/fetch/${cap}`,
      `/v1/nothing?cap=${cap}`,
      `/v1/evidence?cap=${cap}`,
      `/v1/${cap}`,
    ]) {
      const answer = await at.call('GET', spelling);
      said.push(answer.bytes.toString(), JSON.stringify(answer.headers));
    }
    said.push((await ask('/metrics')).bytes.toString(), ...at.lines.slice(before));
    const [, , signature = ''] = cap.split('.');
    for (const text of said) expect(text).not.toContain(signature);
  });
});

describe('clients drop or reorder parameters (Neat-URL 315)', () => {
  it('there is nothing to reorder, and nothing opens without the one there is', () => allRefused((path) => [path.split('?')[0] ?? '']));
});

describe('the content is another than the one that was signed for', () => {
  it('what comes has the digest and length that were promised, and says so', async () => {
    const { path, dig, len } = await minted();
    const answer = await ask(path);
    expect([digestOf(answer.bytes), answer.bytes.length, answer.headers.etag]).toEqual([dig, len, `"${dig}"`]);
  });
});
