import { randomBytes } from 'node:crypto';
import { identityRoutes, issuedApiKeyDocument } from '@govctl/core/api';
import { parseStatement } from '@govctl/core/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anyGrant, type Served, serve, testActor } from '../http/serve.fixture.ts';
import { type TestJournal, testJournal } from '../journal/journal.fixture.ts';
import { apiKeyAuthenticator } from './authenticate.ts';
import { identityHandlers } from './handler.ts';

let clock: string;
const now = () => clock;
let journal: TestJournal;
let http: Served;

beforeEach(async () => {
  clock = '2026-11-21T03:00:00.000Z';
  journal = testJournal({ now });
  const handlers = identityHandlers({
    database: journal.database,
    journal: journal.journal,
    deployment: { environment: 'local_parity', service_release_id: 'govd@test' },
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    now,
  });
  http = await serve(identityRoutes, handlers, now);
});
afterEach(async () => {
  await http.close();
  journal.close();
});

const grant = { actions: ['promotion.request'], tenants: ['default'], datasets: ['orders'] };
const add = (body: object = {}) => http.request('POST', '/v1/keys/api', { body: { actor_id: 'SYSTEM::etl', grants: [grant], ...body } });
const authenticate = (secret: string) => apiKeyAuthenticator(journal.database).authenticate(`Bearer ${secret}`, now());
const facts = () =>
  (journal.handle.prepare('SELECT payload FROM record_payload ORDER BY leaf_index').all() as { payload: Uint8Array }[]).map(
    ({ payload }) => {
      const parsed = parseStatement(JSON.parse(Buffer.from(payload).toString('utf8')));
      if (!parsed.ok) throw new Error(parsed.reason);
      return parsed.statement.predicate as unknown as {
        fact: string;
        subject: string;
        reason: string | null;
        detail: Record<string, unknown>;
      };
    },
  );

async function issued(body: object = {}) {
  const answer = await add(body);
  expect(answer.status).toBe(201);
  return issuedApiKeyDocument.parse(answer.json);
}

describe('a new key', () => {
  it('opens exactly what it was given', async () => {
    const key = await issued();
    expect(await authenticate(key.secret)).toMatchObject({
      actor_id: 'SYSTEM::etl',
      source_type: 'SYSTEM',
      grants: [grant],
      authenticated_by: `api-key:${key.key_id}`,
    });
    await expect(authenticate(`${key.secret.slice(0, -1)}${key.secret.endsWith('A') ? 'B' : 'A'}`)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('has a record that names it and what it may do, and holds neither the secret nor its hash', async () => {
    const key = await issued();
    expect(facts()).toMatchObject([
      { fact: 'apikey.add', subject: `apikey/${key.key_id}`, detail: { actor_id: 'SYSTEM::etl', grants: [grant], expires_at: null } },
    ]);
    const secret = key.secret.split('_').at(-1) ?? '';
    const stored = journal.handle.prepare('SELECT secret_hash FROM api_key WHERE key_id = ?').get(key.key_id) as { secret_hash: string };
    for (const table of ['record', 'record_payload', 'outbox', 'api_key']) {
      const rows = journal.handle.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[];
      const text = rows
        .flatMap((row) => Object.values(row))
        .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
        .join('\n');
      expect(text, table).not.toContain(secret);
      if (table !== 'api_key') expect(text, table).not.toContain(stored.secret_hash);
    }
  });

  it('stops at its time', async () => {
    const key = await issued({ expires_at: '2026-11-21T04:00:00Z' });
    clock = '2026-11-21T03:59:59.999Z';
    await authenticate(key.secret);
    clock = '2026-11-21T04:00:00.000Z';
    await expect(authenticate(key.secret)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await add({ expires_at: '2026-11-21T03:59:00Z' })).json).toMatchObject({ code: 'unprocessable' });
  });

  it('never gives more than the issuer has, and a program never makes a person', async () => {
    http.actor = testActor({ actions: ['apikey.*', 'promotion.request'], tenants: ['default'], datasets: ['orders'] });
    await issued();
    for (const wanted of [{ actions: ['*'] }, { actions: ['promotion.*'] }, { tenants: ['*'] }, { datasets: ['orders', 'invoices'] }]) {
      expect(await add({ grants: [{ ...grant, ...wanted }] }), JSON.stringify(wanted)).toMatchObject({
        status: 403,
        json: { code: 'forbidden' },
      });
    }
    http.actor = { ...testActor(anyGrant), actor_id: 'SYSTEM::bot', source_type: 'SYSTEM' };
    expect(await add({ actor_id: 'HUMAN::ada' })).toMatchObject({ status: 403 });
    http.actor = testActor();
    expect(await add()).toMatchObject({ status: 403 });
    expect(facts()).toHaveLength(1);
  });

  it('names actions that exist, or it would permit nothing', async () => {
    const asked = (...actions: string[]) => add({ grants: [{ ...grant, actions }] });
    for (const actions of [['role.data-steward'], ['promotion.*'], ['*'], ['log.verify', 'role.*']]) {
      expect((await asked(...actions)).status, String(actions)).toBe(201);
    }
    expect(await asked('promotion.get')).toMatchObject({
      status: 422,
      json: {
        detail: 'there is no action promotion.get',
        reasons: [{ message: expect.stringMatching(/^promotion.get: promotion has .*read/) }],
      },
    });
    expect(await asked('promotions.read', 'nothing.at-all', 'snapshot.read', 'tables.*')).toMatchObject({
      status: 422,
      json: {
        reasons: [
          { message: 'promotions.read: did you mean promotion.read?' },
          { message: expect.stringContaining('nouns are alert, ') },
          { message: expect.stringContaining('nouns are alert, ') },
        ],
      },
    });
    expect(facts()).toHaveLength(4);
  });

  it('is refused before any work when the request is not closed', async () => {
    for (const body of [
      { actor_id: 'ROOT::x' },
      { grants: [] },
      { extra: 1 },
      { grants: [{ ...grant, extra: 1 }] },
      { expires_at: 'soon' },
    ]) {
      expect((await add(body)).status, JSON.stringify(body)).toBe(400);
    }
  });
});

describe('taking a key back', () => {
  const revoke = (keyId: string, body: object = { reason: 'laptop lost' }) =>
    http.request('POST', `/v1/keys/api/${keyId}/revoke`, { body });

  it('works with the answer, once, with its reason on record', async () => {
    const key = await issued();
    const first = await revoke(key.key_id);
    expect(first.json).toMatchObject({ kind: 'ApiKey', key_id: key.key_id, revoked_at: clock, revoked_by: 'HUMAN::ada' });
    await expect(authenticate(key.secret)).rejects.toMatchObject({ code: 'unauthenticated' });
    clock = '2026-11-21T05:00:00.000Z';
    expect((await revoke(key.key_id)).json).toMatchObject({ revoked_at: '2026-11-21T03:00:00.000Z', evidence_ref: null });
    expect(facts().map(({ fact, reason }) => [fact, reason])).toEqual([
      ['apikey.add', null],
      ['apikey.revoke', 'laptop lost'],
    ]);
  });

  it('of a key that is not there is not found, without a reason refused', async () => {
    expect(await revoke('0123456789ab')).toMatchObject({ status: 404 });
    expect(await revoke((await issued()).key_id, {})).toMatchObject({ status: 400 });
  });

  it('two at once leave one record', async () => {
    const { key_id } = await issued();
    const answers = await Promise.all([revoke(key_id), revoke(key_id)]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect(facts().filter(({ fact }) => fact === 'apikey.revoke')).toHaveLength(1);
  });
});

it('a list shows live keys, all when asked, and no secret', async () => {
  const key = await issued();
  await issued({ actor_id: 'HUMAN::bob' });
  await http.request('POST', `/v1/keys/api/${key.key_id}/revoke`, { body: { reason: 'done with' } });
  const items = async (query: string) => (await http.request('GET', `/v1/keys/api${query}`)).json.items as { actor_id: string }[];
  expect(await items('')).toMatchObject([{ actor_id: 'HUMAN::bob', grants: [grant], revoked_at: null }]);
  expect(await items('?all=true')).toHaveLength(2);
  expect(await items('?all=true&actor_id=SYSTEM::etl')).toMatchObject([{ key_id: key.key_id, revoked_by: 'HUMAN::ada' }]);
  expect((await http.request('GET', '/v1/keys/api?all=true')).text).not.toMatch(/secret/);
});
