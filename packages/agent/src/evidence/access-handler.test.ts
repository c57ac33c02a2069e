import { type Digest, digestOf, parseStatement, verifyEvidence } from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';
import { denialLimit } from './denial-limit.ts';

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

type Resolution = { url: string; dig: Digest; len: number; exp: number; resolution_ref: string };
const resolve = async (key?: string, body: unknown = {}) =>
  await at.call('POST', `/v1/evidence/refs/${ref}/resolve`, { body, ...(key === undefined ? {} : { key }) });
const resolved = async (key?: string, body?: unknown) => (await resolve(key, body)).json() as Resolution;
const pathOf = ({ url }: Resolution) => url.slice('http://govd'.length);
const fetched = async (path: string) => await at.call('GET', path, { key: null });
const code = async (answer: ReturnType<typeof fetched>) => {
  const { status, json } = await answer;
  return [status, json().code];
};

async function records(kind: string): Promise<{ ref: string; leaf_index: number; dataset_id: string | null }[]> {
  return (await at.call('GET', `/v1/evidence?kind=${kind}`)).json().items as [];
}
async function predicateOf(recordRef: string): Promise<Record<string, unknown>> {
  const resolution = (await at.call('POST', `/v1/evidence/refs/${recordRef}/resolve`, { body: {} })).json() as Resolution;
  const file = (await fetched(pathOf(resolution))).json() as { envelope: { payload: string } };
  const statement = parseStatement(JSON.parse(Buffer.from(file.envelope.payload, 'base64').toString()));
  if (!statement.ok) throw new Error(statement.reason);
  return statement.statement.predicate;
}

describe('a signed URL', () => {
  it('opens the record once, after the resolution is on record, with what was promised', async () => {
    const resolution = await resolved();
    const [newest] = await records('ref-resolution');
    expect(newest).toMatchObject({ ref: resolution.resolution_ref, dataset_id: 'orders' });

    const answer = await fetched(pathOf(resolution));
    expect(answer.status).toBe(200);
    expect(answer.bytes.byteLength).toBe(resolution.len);
    expect(digestOf(answer.bytes)).toBe(resolution.dig);
    expect(answer.headers).toMatchObject({
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      etag: `"${resolution.dig}"`,
    });
    expect(answer.headers['content-disposition']).toMatch(/^attachment; filename="evidence-[0-9a-f]{12}\.json"$/);
    expect(verifyEvidence(answer.json(), at.trust, { ref })).toMatchObject({ verified: true, record: { ref } });

    expect(await code(fetched(pathOf(resolution)))).toEqual([410, 'gone']);
  });

  it('gives one of many who use it at once the record, and nobody else', async () => {
    const path = pathOf(await resolved());
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetched(path)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410, 410, 410, 410, 410, 410, 410]);
  });

  it('is the same bytes whenever it is asked for', async () => {
    const before = await resolved();
    await at.snapshot('orders', 'more leaves\n');
    const after = await resolved();
    expect([after.dig, after.len]).toEqual([before.dig, before.len]);
  });

  it('takes exactly one parameter', async () => {
    const path = pathOf(await resolved());
    for (const wrong of [
      `${path}&x=1`,
      `${path}&${path.split('?')[1]}`,
      '/v1/evidence/fetch',
      `${path.replace('cap=', 'Cap=')}`,
      `${path}&cap=`,
    ])
      expect(await code(fetched(wrong)), wrong.slice(0, 40)).toEqual([400, 'invalid-request']);
    expect((await fetched(path)).status).toBe(200);
  });

  it('is refused when anything of it was changed, and stays usable', async () => {
    const path = pathOf(await resolved());
    const [head = '', claims = '', sig = ''] = path.split('cap=')[1]?.split('.') ?? [];
    const changed = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
    const longer = Buffer.from(JSON.stringify({ ...changed, exp: Number(changed.exp) + 100 })).toString('base64url');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'govctl-cap+jwt', kid: 'x' })).toString('base64url');
    const flipped = `${sig.startsWith('A') ? 'B' : 'A'}${sig.slice(1)}`;
    for (const token of [`${head}.${longer}.${sig}`, `${head}.${claims}.${flipped}`])
      expect(await code(fetched(`/v1/evidence/fetch?cap=${token}`))).toEqual([403, 'forbidden']);
    for (const token of [`${none}.${claims}.`, 'x', `${head}.${claims}.${sig}=`])
      expect(await code(fetched(`/v1/evidence/fetch?cap=${token}`))).toEqual([400, 'invalid-request']);
    expect((await fetched(path)).status).toBe(200);
  });

  it('expires', async () => {
    const real = at.clock.now;
    const path = pathOf(await resolved(undefined, { ttl_seconds: 30 }));
    at.clock.now = () => new Date(Date.parse(real()) + 31_000).toISOString();
    try {
      expect(await code(fetched(path))).toEqual([410, 'gone']);
    } finally {
      at.clock.now = real;
    }
    expect((await fetched(path)).status).toBe(200);
    expect((await resolve(undefined, { ttl_seconds: 301 })).status).toBe(400);
  });

  it('asks the gate again: what was taken back since opens nothing', async () => {
    const reader = await at.key('HUMAN::reader', ['evidence.read'], ['orders']);
    const path = pathOf(await resolved(reader));
    const keyId = reader.split('_')[1];
    expect((await at.call('POST', `/v1/keys/api/${keyId}/revoke`, { body: { reason: 'left the team' } })).status).toBe(200);
    expect(await code(fetched(path))).toEqual([403, 'forbidden']);
  });

  it('of a record that is not there is not made, and nothing is recorded', async () => {
    const before = (await records('ref-resolution')).length;
    const answer = await at.call('POST', `/v1/evidence/refs/sha256:${'0'.repeat(64)}/resolve`, { body: {} });
    expect([answer.status, (await records('ref-resolution')).length]).toEqual([404, before]);
  });
});

describe('refusals', () => {
  it('are recorded, whether the actor may read other datasets or none at all', async () => {
    const other = await at.key('HUMAN::other', ['evidence.read'], ['invoices']);
    const none = await at.key('SYSTEM::etl', ['snapshot.create'], ['orders']);
    for (const [key, actor] of [
      [other, 'HUMAN::other'],
      [none, 'SYSTEM::etl'],
    ] as const) {
      const before = (await records('ref-resolution')).length;
      expect((await resolve(key)).status).toBe(403);
      const after = await records('ref-resolution');
      expect(after.length).toBe(before + 1);
      const predicate = await predicateOf(after[0]?.ref ?? '');
      expect(predicate).toMatchObject({ ref, outcome: 'deny', jti: null, digest: null, actor: { actor_id: actor } });
    }
    expect((await resolve('govk_000000000000_wrong')).status).toBe(401);
  });

  it('fill the log only so far', async () => {
    const key = await at.key('SYSTEM::prober', ['evidence.read'], ['invoices']);
    const statuses: number[] = [];
    for (let asked = 0; asked < 25; asked += 1) statuses.push((await resolve(key)).status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  });

  it('that were not recorded are counted in the next one', () => {
    const limit = denialLimit(2, 1000);
    const take = (at: number) => limit.take('a', at);
    expect([take(0), take(10)]).toEqual([
      { granted: true, unrecorded: 0 },
      { granted: true, unrecorded: 0 },
    ]);
    expect([take(20), take(30)]).toMatchObject([{ granted: false, retryAfterSeconds: 1 }, { granted: false }]);
    expect(limit.take('b', 30)).toEqual({ granted: true, unrecorded: 0 });
    expect(take(1001)).toEqual({ granted: true, unrecorded: 2 });
    expect(take(1002)).toEqual({ granted: true, unrecorded: 0 });
  });
});

it('says who read what, and never the capability or the payload', async () => {
  const resolution = await resolved();
  await fetched(pathOf(resolution));
  const cap = resolution.url.split('cap=')[1] ?? '';
  const file = await predicateOf(ref);
  const all = at.lines.join('');
  expect(all).toContain('evidence fetched');
  expect(all).toContain(ref);
  for (const secret of [cap, cap.split('.')[2] ?? cap, String(file.salt)]) expect(all).not.toContain(secret);
});
