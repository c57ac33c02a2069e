import { randomBytes } from 'node:crypto';
import { type Route, routeList } from '@govctl/core/api';
import type { Grant } from '@govctl/core/identity';
import { Client } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inDatabase, promotionOf, type Scene, scene } from './scene.ts';

/** Everything that answers without credentials. A new open route has to be added here by somebody who thought about it. */
const openRoutes = [
  'evidence.fetch',
  'evidence.head',
  'key.ls',
  'log.checkpoint',
  'log.consistency',
  'log.proof',
  'log.tile',
  'system.health',
  'system.metrics',
  'system.openapi',
  'system.ready',
  'system.version',
];
const routes = Object.entries(routeList as Readonly<Record<string, Route>>);
const closed = routes.filter(([, route]) => route.action !== 'open');

let on: Scene;
let client: Client;
/** Values for the parameters of paths: things that exist, so that only authorization stands before them. */
const params: Record<string, string> = {};
const keys: Record<string, string> = {};
const everywhere: Grant = { actions: ['*'], tenants: ['*'], datasets: ['*'] };

beforeAll(async () => {
  on = await scene();
  client = new Client('http://govd', { socketPath: on.at.socket });
  const [dataset] = on.datasets;
  if (dataset === undefined) throw new Error('no dataset');
  const done = await on.insist('POST', '/v1/promotions', promotionOf('run-1', dataset));
  const promoted = JSON.parse(done.body) as { decision_ref: string; decision: { decision_ref?: string } };
  const ref = inDatabase(on.at, 'govd.db', (database) =>
    database.prepare("SELECT ref FROM record WHERE kind = 'decision'").pluck().get(),
  ) as string;
  expect(promoted).toBeDefined();
  const issue = async (actor_id: string, grants: Grant[], expires_at?: string) => {
    const issued = await on.insist('POST', '/v1/keys/api', { actor_id, grants, ...(expires_at === undefined ? {} : { expires_at }) });
    expect(issued.status).toBe(201);
    return JSON.parse(issued.body) as { key_id: string; secret: string };
  };
  const victim = await issue('SYSTEM::victim', [everywhere]);
  const revoked = await issue('HUMAN::gone', [everywhere]);
  expect((await on.insist('POST', `/v1/keys/api/${revoked.key_id}/revoke`, { reason: 'test' })).status).toBe(200);
  const end = Date.now() + 4000;
  const expired = await issue('HUMAN::late', [everywhere], new Date(end).toISOString());
  Object.assign(keys, {
    malformed: 'not-a-key',
    unknown: `govk_${randomBytes(6).toString('hex')}_${randomBytes(32).toString('base64url')}`,
    'wrong secret': victim.secret.slice(0, -43) + randomBytes(32).toString('base64url'),
    revoked: revoked.secret,
    expired: expired.secret,
    'no grant': (await issue('HUMAN::idle', [{ actions: ['role.nobody'], tenants: ['*'], datasets: ['*'] }])).secret,
    'other tenant': (await issue('HUMAN::elsewhere', [{ actions: ['*'], tenants: ['elsewhere'], datasets: ['*'] }])).secret,
    'other dataset': (await issue('HUMAN::other', [{ actions: ['*'], tenants: ['default'], datasets: ['other'] }])).secret,
  });
  const waiver = {
    rule: 'freshness',
    dataset_id: dataset.dataset_id,
    reason: 'test',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  };
  const waived = await on.insist('POST', '/v1/waivers', waiver);
  expect(waived.status).toBe(201);
  Object.assign(params, {
    waiver_id: (JSON.parse(waived.body) as { waiver_id: string }).waiver_id,
    run_id: 'run-1',
    dataset_id: dataset.dataset_id,
    contract_id: dataset.dataset_id,
    snapshot_id: dataset.snapshot_id,
    ref,
    id: ref,
    digest: `sha256:${'0'.repeat(64)}`,
    key_id: victim.key_id,
    event_type: 'handoff.object_born',
    pack: 'gdp-default',
    hold_id: 'none',
    audit_id: 'none',
  });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end + 100 - Date.now())));
});
afterAll(async () => {
  await client?.destroy();
  await on?.remove();
});

const pathOf = (route: Route) => route.path.replace(/:([a-z_]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? 'none'));

async function call(route: Route, authorization: string | undefined, body?: unknown, query = '') {
  const hasBody = route.body !== undefined || route.raw === true;
  const answer = await client.request({
    method: route.method,
    path: `${pathOf(route)}${query}`,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(hasBody ? { 'content-type': route.raw ? 'application/octet-stream' : 'application/json' } : {}),
    },
    body: hasBody ? (route.raw ? 'x' : JSON.stringify(body ?? {})) : null,
  });
  // A stream without end is not read.
  if (route.stream === 'sse' && answer.statusCode === 200) {
    answer.body.destroy();
    return { status: 200, text: '' };
  }
  return { status: answer.statusCode, text: await answer.body.text() };
}

/** Everything that is stored, apart from what beats by itself. */
const stored = () =>
  inDatabase(on.at, 'govd.db', (database) => {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all() as string[];
    // What moves by itself: loops, and readers of events that were told before.
    const moving = ['handoff_cursor', 'lease', 'outbox_position', 'event_lane', 'event_inbox'];
    const still = tables.filter((name) => !moving.includes(name));
    return Object.fromEntries(still.map((name) => [name, JSON.stringify(database.prepare(`SELECT * FROM ${name}`).all())]));
  });
/** A refused resolution is on record: that is the one trace a refusal leaves. */
const deniedResolutions = () =>
  inDatabase(on.at, 'govd.db', (database) =>
    Number(database.prepare("SELECT count(*) FROM record WHERE kind NOT IN ('decision', 'promotion', 'governance-fact')").pluck().get()),
  );

it('routes that are open are the ones that are known to be', () => {
  expect(
    routes
      .filter(([, route]) => route.action === 'open')
      .map(([name]) => name)
      .sort(),
  ).toEqual(openRoutes);
});

describe.each([
  ['no key', undefined],
  ['a malformed key', 'malformed'],
  ['an unknown key', 'unknown'],
  ['the id of a key with another secret', 'wrong secret'],
  ['a revoked key', 'revoked'],
  ['an expired key', 'expired'],
])('with %s', (_what, name) => {
  it('every route that is not open answers 401, in the same words, and nothing happens', async () => {
    const before = stored();
    const said = new Set<string>();
    for (const [route, declared] of closed) {
      const answer = await call(declared, name === undefined ? undefined : `Bearer ${keys[name]}`);
      expect([route, answer.status]).toEqual([route, 401]);
      if (declared.method !== 'HEAD') said.add((JSON.parse(answer.text) as { detail: string }).detail);
    }
    expect([...said]).toHaveLength(1);
    expect(stored()).toEqual(before);
  });
});

it.each(['Basic', 'bearer', 'Bearer  ', 'Token'])('a good key in the scheme "%s" is no key', async (scheme) => {
  const [, route] = closed[0] ?? [];
  if (route === undefined) throw new Error('no route');
  expect((await call(route, `${scheme} ${keys['other tenant']}`)).status).toBe(401);
});

it('a key without the grant gets 403 from every route that is not open, before its body is read, and nothing happens', async () => {
  const before = stored();
  for (const [route, declared] of closed) {
    const answer = await call(declared, `Bearer ${keys['no grant']}`, { surprise: true });
    expect([route, answer.status]).toEqual([route, 403]);
  }
  const after = stored();
  const { record: _r, record_payload: _p, merkle_node: _m, log_head: _h, outbox: _o, ...rest } = after;
  expect(before).toMatchObject(rest);
  // The refused resolution, once.
  expect(deniedResolutions()).toBeGreaterThanOrEqual(1);
});

/** Bodies that would work for whoever may. */
const bodies = (): Record<string, unknown> => {
  const dataset = { dataset_id: params.dataset_id, snapshot_id: params.snapshot_id };
  const reason = 'authorization test';
  return {
    'promotion.request': { run_id: 'stolen', ...dataset, from_layer: 'RAW', to_layer: 'GDP' },
    'promotion.evaluate': { run_id: 'asked', ...dataset, from_layer: 'RAW', to_layer: 'GDP' },
    'promotion.cancel': { reason },
    'promotion.approve': { reason, snapshot_hash: params.digest, policy_rev: params.digest },
    'promotion.reject': { reason, snapshot_hash: params.digest, policy_rev: params.digest },
    'waiver.add': { rule: 'freshness', dataset_id: params.dataset_id, reason, expires_at: new Date(Date.now() + 60_000).toISOString() },
    'waiver.revoke': { reason },
    'promotion.rollback': { run_id: 'rolled', reason },
    'promotion.rollback-evaluate': { run_id: 'rolled', reason },
    'governance.decide': {
      evidence: {},
    },
    'governance.confirm': { run_id: 'run-1', decision_ref: params.ref, committed: true, snapshot_hash: params.digest, generation: 1 },
    'store.promote': {
      from_layer: 'RAW',
      to_layer: 'GDP',
      dataset_id: params.dataset_id,
      decision_ref: params.ref,
      run_id: 'run-1',
      fence: 1,
      expected_generation: 1,
      decision: { payloadType: 'x', payload: 'x', signatures: [{ sig: 'x' }] },
    },
    'reconcile.run': { run_id: 'run-1' },
    'snapshot.create': { dataset_id: params.dataset_id, layer: 'RAW', snapshot_hash: params.digest },
    'snapshot.release': { reason },
    'evidence.resolve': {},
    'contract.apply': {
      source: `apiVersion: govctl/v1\nkind: Contract\ncontract_id: ${params.dataset_id}\ndataset_id: ${params.dataset_id}\npromotion_types: [raw_to_gdp]\npolicy_packs: [gdp-default]\nrequired_checks: []\nmin_quality_score: 0\nmax_evidence_age: 24h\nrequires_coverage: false\npending_audit: { owner: x, sla: 24h }\n`,
    },
    'policy.activate': { source: 'apiVersion: govctl/v1\n' },
    'policy.deactivate': { reason },
    'apikey.add': { actor_id: 'HUMAN::stolen', grants: [everywhere] },
    'apikey.revoke': { reason },
    'backup.create': {},
  };
};

/** Routes about one dataset of one tenant: a grant for another one is worth nothing there. */
const aboutOneDataset = [
  'promotion.evaluate',
  'promotion.get',
  'promotion.cancel',
  'promotion.approve',
  'promotion.reject',
  'waiver.add',
  'waiver.revoke',
  'promotion.rollback',
  'promotion.rollback-evaluate',
  'dataset.active',
  'dataset.history',
  'store.promote',
  'governance.confirm',
  'snapshot.create',
  'snapshot.get',
  'snapshot.manifest',
  'snapshot.verify',
  'snapshot.release',
  'quality.import',
  'quality.ls',
  'evidence.export',
  'evidence.resolve',
  'decision.get',
  'contract.apply',
  'contract.get',
  'governance.decide',
  'reconcile.run',
] as const;
/** Routes about the whole deployment: a grant for a part of it is not enough for what changes all of it. */
const aboutEverything = ['backup.create', 'policy.activate', 'policy.deactivate', 'apikey.add', 'apikey.revoke'] as const;
/** Lists hold what the caller may see, and nothing else. */
const lists = [
  'promotion.ls',
  'dataset.ls',
  'snapshot.ls',
  'evidence.ls',
  'evidence.capabilities',
  'contract.ls',
  'hold.ls',
  'audit.overdue',
  'waiver.ls',
  'decision.ls',
] as const;

describe.each(['other tenant', 'other dataset'])('a key for an%s', (name) => {
  const queries: Record<string, string> = { 'quality.import': '?kind=junit' };
  it.each([...aboutOneDataset, ...aboutEverything])('cannot reach %s', async (route) => {
    const declared = (routeList as Readonly<Record<string, Route>>)[route];
    if (declared === undefined) throw new Error(`no route ${route}`);
    const moved = () => inDatabase(on.at, 'govd.db', (database) => database.prepare('SELECT * FROM pointer').all());
    const rows = (table: string) => stored()[table];
    const before = {
      pointer: moved(),
      run: rows('run'),
      snapshot: rows('snapshot'),
      contract: rows('contract'),
      api_key: rows('api_key'),
      quality: rows('quality_import'),
      approval: rows('approval'),
      waiver: rows('waiver'),
    };
    const answer = await call(declared, `Bearer ${keys[name]}`, bodies()[route], queries[route]);
    expect([403, 404], `${answer.status} ${answer.text}`).toContain(answer.status);
    if (declared.method !== 'HEAD') expect(answer.text).not.toContain('snapshot_hash":');
    expect({
      pointer: moved(),
      run: rows('run'),
      snapshot: rows('snapshot'),
      contract: rows('contract'),
      api_key: rows('api_key'),
      quality: rows('quality_import'),
      approval: rows('approval'),
      waiver: rows('waiver'),
    }).toEqual(before);
  });

  it('is denied a promotion by the gate, with no pointer moved and nothing of the dataset told', async () => {
    const declared = routeList['promotion.request'];
    const before = inDatabase(on.at, 'govd.db', (database) => database.prepare('SELECT * FROM pointer').all());
    const body = { ...(bodies()['promotion.request'] as object), run_id: `stolen-${name.replace(' ', '-')}` };
    const answer = await call(declared, `Bearer ${keys[name]}`, body);
    if (answer.status === 200) expect(JSON.parse(answer.text)).toMatchObject({ status: 'failed_policy', active: null });
    else expect([403, 404]).toContain(answer.status);
    expect(inDatabase(on.at, 'govd.db', (database) => database.prepare('SELECT * FROM pointer').all())).toEqual(before);
  });

  it.each(lists)('sees nothing in %s', async (route) => {
    const answer = await call(routeList[route], `Bearer ${keys[name]}`);
    expect(answer.status).toBe(200);
    expect((JSON.parse(answer.text) as { items: unknown[] }).items).toEqual([]);
  });
});
