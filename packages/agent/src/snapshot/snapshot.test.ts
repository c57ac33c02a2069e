import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { snapshotRoutes } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import type { Grant } from '@govctl/core/identity';
import { encodeManifest, snapshotIdOf } from '@govctl/core/promotion';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { anyGrant, type Served, serve, testActor } from '../http/serve.fixture.ts';
import { type TestJournal, testJournal } from '../journal/journal.fixture.ts';
import { type ObjectStore, openFolderStore } from '../object/index.ts';
import { snapshotHandlers } from './handler.ts';

let at: TestJournal;
let http: Served;
let folder: string;
/** Reading an object that is not the manifest waits for this. */
let gate: Promise<void>;

beforeEach(async () => {
  at = testJournal();
  folder = join(at.folder, 'objects');
  const deployment = { environment: 'local_parity', service_release_id: 'govd-test' };
  gate = Promise.resolve();
  const store = await openFolderStore(folder);
  const objects: ObjectStore = {
    ...store,
    async read(digest) {
      if (digest !== manifestOf().snapshot_hash) await gate;
      return await store.read(digest);
    },
  };
  let clock = Date.parse('2026-11-21T03:00:00.000Z');
  let salts = 0;
  http = await serve(
    snapshotRoutes,
    snapshotHandlers({
      database: at.database,
      journal: at.journal,
      objects,
      deployment,
      randomHex(bytes) {
        salts += 1;
        return String(salts).padStart(bytes * 2, '0');
      },
      now() {
        clock += 1000;
        return new Date(clock).toISOString();
      },
    }),
  );
});

afterEach(async () => {
  await http.close();
  at.close();
});

const contents = { 'a.csv': 'id\n1\n', 'b/c.csv': 'id\n2\n', 'copy.csv': 'id\n1\n' };

function manifestOf(files: Readonly<Record<string, string>> = contents, dataset_id = 'orders') {
  return encodeManifest({
    dataset_id,
    files: Object.entries(files).map(([path, text]) => ({ path, size: Buffer.byteLength(text), sha256: digestOf(text).slice(7) })),
  });
}

const put = (content: string | Uint8Array, digest = digestOf(content)) =>
  http.request('PUT', `/v1/objects/${digest}`, { bytes: Buffer.from(content) });

async function register(files: Readonly<Record<string, string>> = contents, more: Record<string, unknown> = {}) {
  for (const text of Object.values(files)) await put(text);
  const { bytes, snapshot_hash } = manifestOf(files);
  await put(bytes);
  return await http.request('POST', '/v1/snapshots', { body: { dataset_id: 'orders', snapshot_hash, ...more } });
}

async function verify(id: string): Promise<{ event: string; data: Record<string, unknown> }[]> {
  const { status, text } = await http.request('POST', `/v1/snapshots/${id}/verify`, { body: {} });
  expect(status).toBe(200);
  return text
    .split('\n\n')
    .filter((part) => part.startsWith('event'))
    .map((part) => ({
      event: part.split('\n')[0]?.slice(7) ?? '',
      data: JSON.parse(part.split('\n')[1]?.slice(6) ?? '') as Record<string, unknown>,
    }));
}

const result = async (id: string) => (await verify(id)).at(-1)?.data ?? {};
const pathOf = (content: string | Uint8Array) => join(folder, digestOf(content).slice(7, 9), digestOf(content).slice(9));
const facts = () =>
  at.handle
    .prepare('SELECT payload FROM record_payload ORDER BY leaf_index')
    .all()
    .map((row) => (JSON.parse(String((row as { payload: Buffer }).payload)) as { predicate: Record<string, unknown> }).predicate);
const revision = () =>
  (at.handle.prepare("SELECT revision FROM dataset WHERE dataset_id = 'orders'").get() as { revision: number } | undefined)?.revision ?? 0;

describe('objects', () => {
  test('content goes in once and is told by HEAD', async () => {
    expect(await put('hello')).toMatchObject({ status: 200, json: { kind: 'Object', digest: digestOf('hello'), size: 5, created: true } });
    expect((await put('hello')).json.created).toBe(false);
    const head = await http.request('HEAD', `/v1/objects/${digestOf('hello')}`);
    expect([head.status, head.headers['content-length']]).toEqual([200, '5']);
    expect((await http.request('HEAD', `/v1/objects/${digestOf('other')}`)).status).toBe(404);
    expect((await put('')).json.size).toBe(0);
  });

  test('a wrong digest, no digest, a path, another type and half a body are refused and leave nothing', async () => {
    expect(await put('hello', digestOf('other'))).toMatchObject({ status: 422, json: { code: 'digest-mismatch' } });
    for (const name of ['sha256:abc', 'md5:x', `sha256:${'A'.repeat(64)}`, '%2e%2e%2fetc']) {
      const { status } = await http.request('PUT', `/v1/objects/${name}`, { bytes: Buffer.from('x') });
      expect([name, status]).toEqual([name, 400]);
    }
    expect((await http.request('PUT', `/v1/objects/${digestOf('{}')}`, { body: {} })).status).toBeGreaterThanOrEqual(400);
    const half = http.request('PUT', `/v1/objects/${digestOf('whole')}`, {
      headers: { 'content-length': '5' },
      bytes: Readable.from(
        (async function* () {
          yield Buffer.from('wh');
          await new Promise((resolve) => setTimeout(resolve, 50));
          throw new Error('gone');
        })(),
      ),
    });
    await expect(half).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(readdirSync(folder)).toEqual(['incoming']);
    expect(readdirSync(join(folder, 'incoming'))).toEqual([]);
  });

  test('a body that is many megabytes long streams through', async () => {
    const big = Buffer.alloc(24 * 1024 * 1024, 'x');
    expect((await put(big)).json.size).toBe(big.length);
    expect((await put(big, digestOf('other'))).json.code).toBe('digest-mismatch');
  });

  test('what is missing is asked in one go', async () => {
    await put('a');
    const digests = [digestOf('b'), digestOf('a'), digestOf('c'), digestOf('b')];
    const { json } = await http.request('POST', '/v1/objects/missing', { body: { digests } });
    expect(json.missing).toEqual([digestOf('b'), digestOf('c')]);
    expect((await http.request('POST', '/v1/objects/missing', { body: { digests: ['x'] } })).status).toBe(400);
  });

  test('storing and asking are rights of their own', async () => {
    http.actor = testActor({ actions: ['object.read'], tenants: ['*'], datasets: ['*'] });
    expect((await put('x')).status).toBe(403);
    http.actor = testActor({ actions: ['object.write'], tenants: ['*'], datasets: ['*'] });
    expect((await http.request('POST', '/v1/objects/missing', { body: { digests: [] } })).status).toBe(403);
    expect(readdirSync(folder)).toEqual(['incoming']);
  });
});

describe('snapshots', () => {
  test('a registration is recorded, counted, and the same when it is repeated', async () => {
    const first = await register();
    const { snapshot_hash } = manifestOf();
    const snapshot_id = snapshotIdOf({ tenant_id: 'default', dataset_id: 'orders', layer: 'RAW', snapshot_hash });
    expect(first.json).toMatchObject({
      kind: 'Snapshot',
      snapshot_id,
      snapshot_hash,
      layer: 'RAW',
      file_count: 3,
      total_bytes: 15,
      missing_objects: 0,
    });
    expect(first.json).toMatchObject({ verification: 'registered', created_by: 'HUMAN::ada', environment: 'local_parity', created: true });
    const again = await register();
    expect(again.json).toEqual({ ...first.json, created: false });
    expect(revision()).toBe(1);
    expect(facts()).toMatchObject([
      { fact: 'snapshot.create', subject: `snapshot/${snapshot_id}`, digest: snapshot_hash, detail: { file_count: 3, missing_objects: 0 } },
    ]);
    expect((await register(contents, { layer: 'GDP' })).json.snapshot_id).not.toBe(snapshot_id);
    expect((await http.request('GET', `/v1/snapshots/${snapshot_id}`)).json).toMatchObject({
      snapshot_id,
      created_at: first.json.created_at,
    });
    const manifest = await http.request('GET', `/v1/snapshots/${snapshot_id}/manifest`);
    expect(digestOf(manifest.text)).toBe(snapshot_hash);
  });

  test('many who register the same at the same time get one snapshot and one record', async () => {
    for (const text of Object.values(contents)) await put(text);
    const { bytes, snapshot_hash } = manifestOf();
    await put(bytes);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => http.request('POST', '/v1/snapshots', { body: { dataset_id: 'orders', snapshot_hash } })),
    );
    expect(new Set(answers.map(({ status, json }) => `${status} ${String(json.snapshot_id)}`)).size).toBe(1);
    expect(answers.filter(({ json }) => json.created === true)).toHaveLength(1);
    expect(facts()).toHaveLength(1);
  });

  test('objects that are not there yet are counted, and counted again when they came', async () => {
    const { bytes, snapshot_hash } = manifestOf();
    await put(bytes);
    await put('id\n2\n');
    const body = { dataset_id: 'orders', snapshot_hash };
    expect((await http.request('POST', '/v1/snapshots', { body })).json).toMatchObject({ missing_objects: 1, created: true });
    await put('id\n1\n');
    expect((await http.request('POST', '/v1/snapshots', { body })).json).toMatchObject({ missing_objects: 0, created: false });
    expect(facts().map(({ fact }) => fact)).toEqual(['snapshot.create', 'snapshot.recount']);
    expect(revision()).toBe(2);
  });

  test('what is no snapshot is refused with its reason', async () => {
    const post = async (body: Record<string, unknown>) => {
      const { status, json } = await http.request('POST', '/v1/snapshots', { body });
      return [status, json.code, String(json.detail)] as const;
    };
    const stored = async (text: string) => {
      await put(text);
      return digestOf(text);
    };
    expect(await post({ dataset_id: 'orders', snapshot_hash: digestOf('nowhere') })).toMatchObject([
      422,
      'unprocessable',
      expect.stringContaining('no object'),
    ]);
    expect((await post({ dataset_id: 'orders', snapshot_hash: await stored('\u0000\u0001junk') }))[2]).toContain('not JSON');
    expect(
      (
        await post({
          dataset_id: 'orders',
          snapshot_hash: await stored(`{"dataset_id":"orders","files":[{"path":"../x","sha256":"${'a'.repeat(64)}","size":1}]}`),
        })
      )[2],
    ).toContain('..');
    const { bytes, snapshot_hash } = manifestOf();
    await put(bytes);
    expect(await post({ dataset_id: 'invoices', snapshot_hash })).toMatchObject([
      422,
      'unprocessable',
      expect.stringContaining('dataset orders'),
    ]);
    expect((await post({ dataset_id: 'orders', snapshot_hash, owner: 'me' }))[0]).toBe(400);
    expect((await post({ dataset_id: '../orders', snapshot_hash }))[0]).toBe(400);
    expect((await post({ dataset_id: 'orders', snapshot_hash, layer: 'GOLD' }))[0]).toBe(400);
    const lie = encodeManifest({ dataset_id: 'orders', files: [{ path: 'a', size: 99, sha256: digestOf('id\n1\n').slice(7) }] });
    await put(lie.bytes);
    await put('id\n1\n');
    expect(await post({ dataset_id: 'orders', snapshot_hash: lie.snapshot_hash })).toMatchObject([
      422,
      'digest-mismatch',
      expect.stringContaining('99 bytes'),
    ]);
    const huge = 'x'.repeat(33 * 1024 * 1024);
    expect(await post({ dataset_id: 'orders', snapshot_hash: await stored(huge) })).toMatchObject([
      413,
      'payload-too-large',
      expect.anything(),
    ]);
    expect(facts()).toEqual([]);
  });

  test('a damaged object is found missing when it is registered again, and taken in again', async () => {
    const id = String((await register()).json.snapshot_id);
    writeFileSync(pathOf('id\n1\n'), 'tampered with');
    const body = { dataset_id: 'orders', snapshot_hash: manifestOf().snapshot_hash };
    expect((await http.request('POST', '/v1/snapshots', { body })).json).toMatchObject({ snapshot_id: id, missing_objects: 1 });
    expect((await register()).json).toMatchObject({ snapshot_id: id, missing_objects: 0 });
    expect(await result(id)).toMatchObject({ verified: true });
  });

  test('pages are newest first and hold everything once', async () => {
    const ids: unknown[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await register({ 'a.csv': String(n) })).json.snapshot_id);
    const found: unknown[] = [];
    let cursor = '';
    do {
      const { json } = await http.request('GET', `/v1/snapshots?limit=2&dataset_id=orders${cursor}`);
      found.push(...(json.items as { snapshot_id: string }[]).map(({ snapshot_id }) => snapshot_id));
      cursor = json.next_cursor === null ? '' : `&cursor=${String(json.next_cursor)}`;
    } while (cursor !== '');
    expect(found).toEqual(ids);
    expect((await http.request('GET', '/v1/snapshots?dataset_id=none')).json.items).toEqual([]);
    for (const bad of ['cursor=x', 'cursor=W10', 'limit=0', 'limit=x', 'page=2'])
      expect((await http.request('GET', `/v1/snapshots?${bad}`)).status).toBe(400);
  });

  test('what an actor may not see does not exist for it, what it may not do is forbidden', async () => {
    const id = String((await register()).json.snapshot_id);
    const grant = (actions: string[], datasets = ['*']): Grant => ({ actions, tenants: ['default'], datasets });
    http.actor = testActor(grant(['*'], ['invoices']));
    expect((await http.request('GET', `/v1/snapshots/${id}`)).status).toBe(404);
    expect((await http.request('GET', '/v1/snapshots')).json.items).toEqual([]);
    expect((await http.request('POST', `/v1/snapshots/${id}/release`, { body: { reason: 'because' } })).status).toBe(404);
    expect(
      (await http.request('POST', '/v1/snapshots', { body: { dataset_id: 'orders', snapshot_hash: manifestOf().snapshot_hash } })).status,
    ).toBe(403);
    http.actor = testActor(grant(['snapshot.read']), grant(['snapshot.release', 'snapshot.verify'], ['invoices']));
    expect((await http.request('POST', `/v1/snapshots/${id}/release`, { body: { reason: 'because' } })).status).toBe(403);
    expect((await http.request('POST', `/v1/snapshots/${id}/verify`, { body: {} })).status).toBe(403);
  });
});

describe('verification', () => {
  test('every byte equal makes it verified; objects of several files are read once', async () => {
    const id = String((await register()).json.snapshot_id);
    const found = await result(id);
    expect(found).toMatchObject({
      kind: 'SnapshotVerification',
      verified: true,
      verification: 'verified',
      objects_read: 2,
      bytes_read: 10,
      failed_objects: 0,
      failures: [],
    });
    const { json } = await http.request('GET', `/v1/snapshots/${id}`);
    expect(json).toMatchObject({ verification: 'verified', verified_at: expect.stringMatching(/^2026/) });
    expect(facts().at(-1)).toMatchObject({
      fact: 'snapshot.verify',
      detail: { verification: 'verified', before: 'registered', bytes_read: 10 },
    });
    expect(found.evidence_ref).toBe((at.handle.prepare('SELECT ref FROM record ORDER BY leaf_index DESC').get() as { ref: string }).ref);
    expect(revision()).toBe(2);
  });

  test.each([
    ['other bytes of the same length', () => writeFileSync(pathOf('id\n1\n'), 'id\n9\n'), 'digest-differs'],
    ['a truncated object', () => writeFileSync(pathOf('id\n1\n'), 'id'), 'size-differs'],
    ['a lost object', () => rmSync(pathOf('id\n1\n')), 'missing'],
  ])('%s withdraws verified; uploaded again and read again it is verified again', async (_what, damage, finding) => {
    const id = String((await register()).json.snapshot_id);
    await result(id);
    damage();
    const found = await result(id);
    expect(found).toMatchObject({
      verified: false,
      verification: 'withdrawn',
      failed_objects: 1,
      failures: [{ finding, digest: digestOf('id\n1\n') }],
    });
    const { json } = await http.request('GET', `/v1/snapshots/${id}`);
    expect(json).toMatchObject({ verification: 'withdrawn', missing_objects: 1, verified_at: expect.stringMatching(/^2026/) });
    expect((await http.request('POST', '/v1/objects/missing', { body: { digests: [digestOf('id\n1\n')] } })).json.missing).toHaveLength(1);
    expect((await register()).json).toMatchObject({ snapshot_id: id, missing_objects: 0, verification: 'withdrawn' });
    expect(await result(id)).toMatchObject({ verification: 'verified' });
  });

  test('a snapshot whose upload is not finished stays registered', async () => {
    const { bytes, snapshot_hash } = manifestOf();
    await put(bytes);
    const { json } = await http.request('POST', '/v1/snapshots', { body: { dataset_id: 'orders', snapshot_hash } });
    expect(await result(String(json.snapshot_id))).toMatchObject({ verified: false, verification: 'registered', failed_objects: 2 });
  });

  test.each([
    ['damaged', 'digest-differs'],
    ['lost', 'missing'],
  ])('a %s manifest is a failure of the snapshot', async (how, finding) => {
    const id = String((await register()).json.snapshot_id);
    await result(id);
    const path = pathOf(manifestOf().bytes);
    if (how === 'lost') rmSync(path);
    else writeFileSync(path, '{}');
    expect(await result(id)).toMatchObject({ verified: false, verification: 'withdrawn', failures: [{ path: '(manifest)', finding }] });
    expect((await http.request('GET', `/v1/snapshots/${id}/manifest`)).status).toBe(410);
  });

  test('progress is told while it reads, and the result at the end', async () => {
    const id = String((await register()).json.snapshot_id);
    gate = new Promise((resolve) => {
      setTimeout(resolve, 800);
    });
    const told = await verify(id);
    expect(told.length).toBeGreaterThan(1);
    expect(told.at(-1)).toMatchObject({ event: 'result', data: { verified: true } });
    expect(told[0]).toMatchObject({
      event: 'progress',
      data: { kind: 'VerifyProgress', objects: 0, objects_total: 2, bytes: 0, bytes_total: 10 },
    });
  });

  test('a client that leaves in the middle changes nothing', async () => {
    const id = String((await register()).json.snapshot_id);
    const before = facts().length;
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const stream = await http.open('POST', `/v1/snapshots/${id}/verify`, { body: {} });
    stream.destroy();
    await new Promise((resolve) => setTimeout(resolve, 200));
    open();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(facts()).toHaveLength(before);
    expect(await result(id)).toMatchObject({ verified: true });
  });
});

describe('release', () => {
  test('lifts quarantine and flag with a reason, once, and is recorded', async () => {
    const id = String((await register()).json.snapshot_id);
    const release = () => http.request('POST', `/v1/snapshots/${id}/release`, { body: { reason: 'root cause found and fixed' } });
    expect((await release()).json).toMatchObject({ released: false });
    const values = { snapshot_id: id, at: '2026-11-21T03:10:00.000Z', reason: 'rolled back by r2: bad', run_id: 'r2' };
    const placed = await at.journal.commit({
      label: 'test',
      changes: [
        { write: 'snapshot.quarantine', values },
        { write: 'snapshot.flag', values: { snapshot_id: id, flagged_reason: 'built on it' } },
      ],
      records: [],
      events: [],
    });
    expect(placed.ok).toBe(true);
    expect((await http.request('GET', `/v1/snapshots/${id}`)).json).toMatchObject({
      quarantine_run_id: 'r2',
      flagged_reason: 'built on it',
    });
    const before = revision();
    expect((await release()).json).toMatchObject({
      released: true,
      quarantined_at: null,
      quarantine_reason: null,
      quarantine_run_id: null,
      flagged_reason: null,
    });
    expect(revision()).toBe(before + 1);
    expect(facts().at(-1)).toMatchObject({
      fact: 'snapshot.release',
      reason: 'root cause found and fixed',
      detail: { quarantine_run_id: 'r2' },
    });
    expect((await release()).json).toMatchObject({ released: false });
    expect((await http.request('POST', `/v1/snapshots/${id}/release`, { body: {} })).status).toBe(400);
    expect((await http.request('POST', '/v1/snapshots/none/release', { body: { reason: 'because' } })).status).toBe(404);
    http.actor = testActor(anyGrant);
  });
});
