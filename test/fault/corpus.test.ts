import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Route, routeList } from '@govctl/core/api';
import { canonicalJson } from '@govctl/core/evidence';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { junit } from '../orders.ts';
import { expectClean, inDatabase, promotionOf, type Scene, scene } from './scene.ts';

const vectors = process.env.GOVCTL_VECTORS ?? join(import.meta.dirname, '../../../shared/vectors');
const missing = !existsSync(vectors);
if (missing && process.env.CI !== undefined) throw new Error(`the test vectors are not at ${vectors}; set GOVCTL_VECTORS`);

const posts = Object.entries(routeList as Readonly<Record<string, Route>>).filter(([, route]) => route.method === 'POST');
const parsed = posts.filter(([, route]) => route.raw !== true);

let on: Scene;
let daemon: ChildProcess;
let pool: Pool;
let authorization = '';
/** A secret and a payload that must be seen nowhere but where they belong. */
const canary = `canary-${randomBytes(12).toString('hex')}`;

beforeAll(async () => {
  on = await scene();
  await on.at.stop();
  daemon = await on.at.start();
  authorization = `Bearer ${readFileSync(join(on.at.state, 'keys', 'operator.apikey'), 'utf8').trim()}`;
  pool = new Pool('http://govd', { socketPath: on.at.socket, connections: 8 });
});
afterAll(async () => {
  await pool?.destroy();
  await on?.remove();
});

const pathOf = (route: Route, value = 'none') => route.path.replace(/:[a-z_]+/g, encodeURIComponent(value));

async function post(route: Route, body: string | Uint8Array, path = pathOf(route)) {
  const answer = await pool.request({
    method: 'POST',
    path,
    headers: { authorization, 'content-type': route.raw === true ? 'application/octet-stream' : 'application/json' },
    body,
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

/** Whatever came, it was answered as the caller's fault or served, by the process that was there before. */
function expectAlive(): void {
  expect([daemon.exitCode, daemon.signalCode]).toEqual([null, null]);
}

describe.skipIf(missing)(`corpora on every POST route${missing ? ` (SKIPPED: no vectors at ${vectors})` : ''}`, () => {
  it('JSON that is none, or that two parsers read in two ways, is refused by each', async () => {
    const files = readdirSync(join(vectors, 'json'));
    expect(files.length).toBeGreaterThan(300);
    for (const [name, route] of parsed) {
      const answers = await Promise.all(
        files.map(async (file) => ({ file, ...(await post(route, readFileSync(join(vectors, 'json', file)))) })),
      );
      const wrong = answers.filter(({ file, status }) => status >= 500 || (file.startsWith('n_') && status !== 400));
      expect([name, wrong]).toEqual([name, []]);
    }
    expectAlive();
  });

  it('naughty strings in every field, path and query break nothing', async () => {
    const strings = JSON.parse(readFileSync(join(vectors, 'blns', 'blns.json'), 'utf8')) as string[];
    expect(strings.length).toBeGreaterThan(500);
    for (const [name, route] of posts) {
      const fields = Object.keys((route.body as { shape?: object } | undefined)?.shape ?? { text: 1 });
      const answers = await Promise.all(
        strings.flatMap((text) => [
          post(route, route.raw === true ? text : JSON.stringify(Object.fromEntries(fields.map((field) => [field, text])))),
          ...(/:/.test(route.path) ? [post(route, '{}', pathOf(route, text))] : []),
        ]),
      );
      expect([name, answers.filter(({ status }) => status >= 500)]).toEqual([name, []]);
    }
    expectAlive();
    expect(await on.at.log()).not.toMatch(/"level":(50|60)/);
  });
});

it('a field nobody knows is refused by every route that takes a body, wherever the body is right otherwise', async () => {
  for (const [name, route] of parsed) {
    const answer = await post(route, JSON.stringify({ surprise: true }));
    // What is asked about may be missing first; the body is judged before that.
    expect([name, answer.status]).toEqual([name, 400]);
  }
  const [dataset] = on.datasets;
  if (dataset === undefined) throw new Error('no dataset');
  const body = { ...promotionOf('surprised', dataset), force: true };
  expect((await on.ask('POST', '/v1/promotions', body))?.status).toBe(400);
  expect((await on.ask('GET', '/v1/promotions/surprised'))?.status).toBe(404);
  expect((await on.ask('GET', '/v1/promotions?surprise=1'))?.status).toBe(400);
});

describe('names that would be paths', () => {
  const tricks = [
    '..',
    '.',
    '../../etc/passwd',
    '/etc/passwd',
    'a/b',
    'a\\b',
    'C:\\x',
    'a\0b',
    'a%2fb',
    '-rf',
    '.hidden',
    '~root',
    'a b',
    'a\nb',
    'ａ',
    'x'.repeat(129),
    '',
  ];

  it.each(tricks)('%j is no dataset, no run and no key of an object', async (name) => {
    const [dataset] = on.datasets;
    if (dataset === undefined) throw new Error('no dataset');
    const named = { ...promotionOf('named', dataset), dataset_id: name };
    expect((await on.ask('POST', '/v1/promotions', named))?.status).toBe(400);
    expect((await on.ask('POST', '/v1/promotions', { ...promotionOf('x', dataset), run_id: name }))?.status).toBe(400);
    const create = { dataset_id: name, layer: 'RAW', snapshot_hash: `sha256:${'0'.repeat(64)}` };
    expect((await on.ask('POST', '/v1/snapshots', create))?.status).toBe(400);
    const put = await on.ask('PUT', `/v1/objects/${encodeURIComponent(name)}`, Buffer.from('x'));
    expect([400, 404]).toContain(put?.status);
  });

  /** Registers a snapshot of one file under this path. */
  async function snapshotWith(path: string) {
    const content = Buffer.from('x');
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect((await on.ask('PUT', `/v1/objects/sha256:${sha256}`, content))?.status).toBe(200);
    const manifest = Buffer.from(canonicalJson({ dataset_id: 'orders-0', files: [{ path, size: 1, sha256 }] }));
    const snapshot_hash = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
    expect((await on.ask('PUT', `/v1/objects/${snapshot_hash}`, manifest))?.status).toBe(200);
    return await on.ask('POST', '/v1/snapshots', { dataset_id: 'orders-0', layer: 'RAW', snapshot_hash });
  }

  it.each(['../x', '/x', 'a//b', 'a/../b', './a', 'a\\b', 'a\0b', 'a/.', ''])('%j is no file of a snapshot', async (path) => {
    const answer = await snapshotWith(path);
    expect([400, 422], answer?.body).toContain(answer?.status);
    expect(answer?.body).toMatch(/path/);
  });

  it('a plain path is one', async () => {
    expect((await snapshotWith('folder/orders.csv'))?.status).toBe(200);
  });
});

describe('content that is not what it says', () => {
  it('an object under another digest is refused, and not there', async () => {
    const claimed = `sha256:${createHash('sha256').update('one').digest('hex')}`;
    const answer = await on.ask('PUT', `/v1/objects/${claimed}`, Buffer.from('two'));
    expect([answer?.status, JSON.parse(answer?.body ?? '{}').code]).toEqual([422, 'digest-mismatch']);
    expect((await on.ask('POST', '/v1/objects/missing', { digests: [claimed] }))?.body).toContain(claimed);
  });

  it.each([
    ['binary junk', randomBytes(5000)],
    ['a gzip file cut short', gzipSync(junit()).subarray(0, 60)],
    ['a gzip file', gzipSync(junit())],
    ['half a report', Buffer.from(junit().slice(0, 80))],
    ['nothing', Buffer.alloc(0)],
    [
      'an entity bomb',
      Buffer.from('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><testsuites>&b;</testsuites>'),
    ],
    [
      'an outside entity',
      Buffer.from('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites><testsuite name="&a;"/></testsuites>'),
    ],
    ['100,000 levels', Buffer.from(`<testsuites>${'<testsuite>'.repeat(100_000)}`)],
  ])('%s is no report, and leaves nothing', async (_what, bytes) => {
    const snapshot = on.datasets[0]?.snapshot_id;
    const count = () => inDatabase(on.at, 'govd.db', (database) => database.prepare('SELECT count(*) FROM quality_import').pluck().get());
    for (const kind of ['junit', 'dbt']) {
      const before = count();
      const answer = await on.ask('POST', `/v1/snapshots/${snapshot}/quality?kind=${kind}`, bytes);
      expect([400, 422], answer?.body).toContain(answer?.status);
      expect(answer?.body).not.toContain('root:');
      expect(count()).toBe(before);
    }
    expectAlive();
  });

  it.each([
    ['binary junk', randomBytes(3000)],
    ['a gzip file cut short', gzipSync('{"change":"BORN"}').subarray(0, 12)],
    ['half a line', Buffer.from('{"change":"BORN","object_key":"a","object_ty')],
  ])('a changelog that is %s is refused by handoff import, with the line', async (_what, bytes) => {
    const path = await on.at.file('junk.ndjson', '');
    await writeFile(path, bytes);
    const ended = await on.at.govctl(['handoff', 'import', path]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/line 1|not UTF-8|gzip/i);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect(inDatabase(on.at, 'births.db', (database) => database.prepare('SELECT count(*) FROM birth_registry').pluck().get())).toBe(0);
  });
});

it('secrets stay where they are: not in logs, answers, events, metrics or arguments', async () => {
  const issued = JSON.parse(
    (await on.ask('POST', '/v1/keys/api', { actor_id: 'SYSTEM::etl', grants: [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }] }))
      ?.body ?? '{}',
  ) as { secret: string };
  const secrets = [issued.secret, authorization.slice(7), canary];
  const said: string[] = [];
  const hear = async (method: 'GET' | 'POST', path: string, body?: unknown) => said.push((await on.ask(method, path, body))?.body ?? '');
  for (const [, route] of parsed) {
    await post(route, `{"${canary}": "${canary}"`).then(({ text }) => said.push(text));
    await post(route, JSON.stringify({ surprise: canary })).then(({ text }) => said.push(text));
  }
  const foreign = await pool.request({ method: 'GET', path: '/v1/promotions', headers: { authorization: `Bearer ${canary}` } });
  said.push(await foreign.body.text());
  await hear('GET', '/metrics');
  await hear('GET', '/v1/keys/api?all=true');
  await hear('GET', '/v1/events?follow=false');
  await hear('GET', '/v1/evidence');
  const ref = inDatabase(on.at, 'govd.db', (database) => database.prepare('SELECT ref FROM record LIMIT 1').pluck().get()) as string;
  const resolved = JSON.parse((await on.ask('POST', `/v1/evidence/refs/${ref}/resolve`, {}))?.body ?? '{}') as { url?: string };
  const capability = new URL(resolved.url ?? 'http://none').searchParams.get('cap');
  expect(capability).toMatch(/^ey/);
  secrets.push(capability ?? '');
  await hear('GET', `/v1/evidence/fetch?cap=${capability}`);
  await hear('GET', `/v1/evidence/fetch?cap=${capability}`);
  said.push(await on.at.log());
  said.push(readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8'), readFileSync(`/proc/${daemon.pid}/environ`, 'utf8'));
  for (const secret of secrets) expect(said.filter((text) => text.includes(secret))).toEqual([]);
  await on.at.stop();
  const stored = ['govd.db', 'govd.db-wal', 'births.db'].map((name) => join(on.at.state, name)).filter((path) => existsSync(path));
  for (const path of stored) for (const secret of secrets) expect(readFileSync(path).includes(secret), path).toBe(false);
  daemon = await on.at.start();
  // One of the strings that every field was given was a good reason to pause the tail.
  await on.at.govctl(['handoff', 'resume', '--reason', 'the corpora are through', '--end', 'all']);
  await expectClean(on.at);
});
