import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { isProblem, Problem } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import { encodeManifest } from '@govctl/core/promotion';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeRoutes, fakeClient, fakeContext } from '../../command.fixture.ts';
import { run as create } from './create.ts';
import { findFiles } from './folder.ts';
import { run as get } from './get.ts';
import { hashFiles } from './hash.ts';
import { run as verify } from './verify.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-snapshot-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const never = new AbortController().signal;
const none = () => {};

function write(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

async function problemOf(action: Promise<unknown>): Promise<Problem> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isProblem(error)) throw new Error('no problem', { cause: error });
  return error;
}

const row = {
  schemaVersion: 'govctl/v1' as const,
  kind: 'Snapshot' as const,
  snapshot_id: 'snap-1',
  tenant_id: 'default',
  dataset_id: 'orders',
  layer: 'RAW' as const,
  snapshot_hash: digestOf('x'),
  file_count: 1,
  total_bytes: 1,
  missing_objects: 0,
  environment: 'test',
  service_release_id: 'govd-test',
  created_at: '2026-11-21T03:00:00.000Z',
  created_by: 'HUMAN::ada',
  verification: 'registered' as const,
  verified_at: null,
  quarantined_at: null,
  quarantine_reason: null,
  quarantine_run_id: null,
  flagged_reason: null,
};

/** A daemon in memory: it keeps objects, checks digests, and registers what is asked. `meddle` runs before each registration. */
function daemon(meddle: (registrations: number) => void = none, onPut: (digest: string) => void = none) {
  const objects = new Map<string, Buffer>();
  const registered: unknown[] = [];
  const routes: FakeRoutes = {
    'object.missing': ({ body }) => ({
      schemaVersion: 'govctl/v1',
      kind: 'MissingObjects',
      missing: body.digests.filter((digest) => !objects.has(digest)),
    }),
    'snapshot.create': ({ body }) => {
      registered.push(body);
      const manifest = JSON.parse(String(objects.get(body.snapshot_hash))) as { files: { sha256: string }[] };
      meddle(registered.length);
      const missing_objects = manifest.files.filter(({ sha256 }) => !objects.has(`sha256:${sha256}`)).length;
      return {
        ...row,
        snapshot_hash: body.snapshot_hash,
        file_count: manifest.files.length,
        missing_objects,
        created: registered.length === 1,
      };
    },
  };
  const upload = async (
    _name: string,
    { params }: { params: { digest: string } },
    { body, length }: { body: Readable | Uint8Array; length: number },
  ) => {
    onPut(params.digest);
    const bytes = body instanceof Uint8Array ? Buffer.from(body) : Buffer.concat(await body.toArray());
    if (bytes.length !== length || digestOf(bytes) !== params.digest) throw new Problem('digest-mismatch', { detail: 'other content' });
    objects.set(params.digest, bytes);
    return { schemaVersion: 'govctl/v1', kind: 'Object', digest: params.digest, size: length, created: true };
  };
  return { objects, registered, client: fakeClient(routes, { upload: upload as never }) };
}

const flags = { dataset: 'orders', layer: 'RAW' as const, tenant: undefined, schema: undefined };

describe('what is in a folder', () => {
  test('every file, also hidden ones, with its place; empty folders are told', async () => {
    write({ 'a.csv': '1', 'b/c/d.csv': '22', '.hidden': '' });
    mkdirSync(join(folder, 'nothing'));
    const { files, empty_folders } = await findFiles(folder, never);
    expect(files.map(({ path, size }) => [path, size]).sort()).toEqual([
      ['.hidden', 0],
      ['a.csv', 1],
      ['b/c/d.csv', 2],
    ]);
    expect(empty_folders).toEqual(['nothing']);
  });

  test('links, pipes, sockets and unsafe names are refused by name, all at once', async () => {
    write({ 'fine.csv': '1', 'back\\slash': '1', 'cafe\u0301': '1' });
    symlinkSync('/etc', join(folder, 'link'));
    symlinkSync('nowhere', join(folder, 'dangling'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff])]), '1');
    const server = createServer().listen(join(folder, 'socket'));
    const problem = await problemOf(findFiles(folder, never));
    server.close();
    expect(problem.code).toBe('unprocessable');
    expect(problem.reasons?.map(({ path, message }) => [path, message]).sort()).toEqual([
      ['back\\slash', 'has a backslash, which is a separator elsewhere'],
      ['cafe\u0301', 'is not in Unicode NFC: the same name has another spelling'],
      ['dangling', 'is a symbolic link'],
      ['f\ufffd', 'the name is not UTF-8'],
      ['link', 'is a symbolic link'],
      ['pipe', 'is neither a file nor a folder'],
      ['socket', 'is neither a file nor a folder'],
    ]);
  });

  test('no files, no folder, a file: each says so', async () => {
    expect((await problemOf(findFiles(folder, never))).message).toContain('has no files');
    expect((await problemOf(findFiles(join(folder, 'gone'), never))).message).toContain('it is not there');
    write({ 'a.csv': '1' });
    expect((await problemOf(findFiles(join(folder, 'a.csv'), never))).message).toContain('is not a folder');
  });
});

describe('hashing', () => {
  test('many files of many sizes have the digests they have, and progress reaches the end', async () => {
    const contents = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n}`, Buffer.alloc(n * 70_001, String(n))]));
    write(contents);
    const { files } = await findFiles(folder, never);
    let last = 0;
    const hashed = await hashFiles(
      files,
      (bytes) => {
        last = bytes;
      },
      never,
    );
    expect(new Map(hashed.map(({ path, sha256 }) => [path, `sha256:${sha256}`]))).toEqual(
      new Map(Object.entries(contents).map(([path, content]) => [path, digestOf(content)])),
    );
    expect(last).toBe(Object.values(contents).reduce((sum, content) => sum + content.length, 0));
  });

  test.each([
    ['written to', (path: string) => appendFileSync(path, 'more'), 'it was written to'],
    ['rewritten with the same length', (path: string) => writeFileSync(path, 'TWO'), 'it was written to'],
    [
      'rewritten and its time set back',
      (path: string) => {
        writeFileSync(path, 'TWO');
        utimesSync(path, 1, 1);
      },
      'it was written to',
    ],
    ['truncated', (path: string) => truncateSync(path, 0), 'it was written to'],
    ['removed', (path: string) => rmSync(path), 'it went away'],
    [
      'replaced by a link',
      (path: string) => {
        renameSync(path, `${path}.old`);
        symlinkSync(`${path}.old`, path);
      },
      'a symbolic link took its place',
    ],
  ])('a file that was %s after it was found is an error', async (_what, change, why) => {
    write({ one: '1', two: 'two' });
    const { files } = await findFiles(folder, never);
    change(join(folder, 'two'));
    const problem = await problemOf(hashFiles(files, none, never));
    expect([problem.code, problem.message]).toEqual([
      'conflict',
      `two changed while the snapshot was made: ${why}. Nothing was registered`,
    ]);
  });

  test('Ctrl-C ends it', async () => {
    write({ one: '1' });
    const { files } = await findFiles(folder, never);
    expect((await problemOf(hashFiles(files, none, AbortSignal.abort()))).code).toBe('cancelled');
  });
});

describe('snapshot create', () => {
  test('uploads each content once, then the manifest, then registers its hash', async () => {
    write({ 'a.csv': 'one', 'b.csv': 'two', 'copy.csv': 'one', empty: '' });
    const { objects, registered, client } = daemon();
    const { context } = fakeContext({ client, cwd: folder });
    const result = await create(context, { dir: '.' }, flags);
    const file = (path: string, content: string) => ({ path, size: content.length, sha256: digestOf(content).slice(7) });
    const { snapshot_hash } = encodeManifest({
      dataset_id: 'orders',
      files: [file('a.csv', 'one'), file('b.csv', 'two'), file('copy.csv', 'one'), file('empty', '')],
    });
    expect(registered).toEqual([{ tenant_id: 'default', dataset_id: 'orders', layer: 'RAW', snapshot_hash }]);
    expect([...objects.keys()].sort()).toEqual([digestOf('one'), digestOf('two'), digestOf(''), snapshot_hash].sort());
    expect(result).toMatchObject({ document: { snapshot_hash, file_count: 4 }, names: ['snap-1'] });
  });

  test('what is there already is not sent again', async () => {
    write({ 'a.csv': 'one' });
    const puts: string[] = [];
    const { client } = daemon(none, (digest) => puts.push(digest));
    await create(fakeContext({ client, cwd: folder }).context, { dir: '.' }, flags);
    puts.length = 0;
    await create(fakeContext({ client, cwd: folder }).context, { dir: '.' }, flags);
    expect(puts).not.toContain(digestOf('one'));
  });

  test('content the daemon lost meanwhile is sent again', async () => {
    write({ 'a.csv': 'one' });
    const { objects, registered, client } = daemon((registrations) => {
      if (registrations === 1) objects.delete(digestOf('one'));
    });
    const result = await create(fakeContext({ client, cwd: folder }).context, { dir: '.' }, flags);
    expect(registered).toHaveLength(2);
    expect(result).toMatchObject({ document: { missing_objects: 0 } });
  });

  test.each([
    ['changes', () => writeFileSync(join(folder, 'a.csv'), 'ONE')],
    ['goes away', () => rmSync(join(folder, 'a.csv'))],
    ['appears', () => writeFileSync(join(folder, 'new.csv'), 'new')],
  ])('nothing is registered when a file %s during the upload', async (_what, meddle) => {
    write({ 'a.csv': 'one', 'b.csv': 'two' });
    const { registered, client } = daemon(none, (digest) => {
      if (digest === digestOf('two')) meddle();
    });
    const problem = await problemOf(create(fakeContext({ client, cwd: folder }).context, { dir: '.' }, flags));
    expect(problem.code).toBe('conflict');
    expect(problem.message).toMatch(/^(a|new)\.csv changed while the snapshot was made/);
    expect(registered).toEqual([]);
  });

  test('the schema is part of the hash; what is no schema, and a bad name, are told before anything is read', async () => {
    write({ 'data/a.csv': 'one', 'schema.json': '{"id":"integer"}', 'list.json': '[1]', 'twice.json': '{"a":1,"a":2}' });
    const { client } = daemon();
    const made = async (more: object) =>
      (await create(fakeContext({ client, cwd: folder }).context, { dir: 'data' }, { ...flags, ...more })) as unknown as {
        document: { snapshot_hash: string };
      };
    expect((await made({ schema: 'schema.json' })).document.snapshot_hash).not.toBe((await made({})).document.snapshot_hash);
    for (const schema of ['list.json', 'twice.json', 'gone.json']) expect((await problemOf(made({ schema }))).code).toBe('usage');
    expect((await problemOf(made({ dataset: '../x' }))).message).toContain('--dataset');
    expect((await problemOf(made({ tenant: 'a b' }))).message).toContain('--tenant');
  });

  test.skipIf(process.getuid?.() === 0)('a file that may not be read is named', async () => {
    write({ 'secret.csv': 'one' });
    chmodSync(join(folder, 'secret.csv'), 0);
    const problem = await problemOf(create(fakeContext({ client: daemon().client, cwd: folder }).context, { dir: '.' }, flags));
    expect([problem.code, problem.message]).toEqual(['io', 'secret.csv cannot be read: permission denied']);
  });
});

describe('snapshot verify', () => {
  const verified = {
    schemaVersion: 'govctl/v1',
    kind: 'SnapshotVerification',
    snapshot_id: 'snap-1',
    snapshot_hash: digestOf('x'),
    verified: true,
    verification: 'verified',
    file_count: 1,
    objects_read: 1,
    bytes_read: 1,
    failed_objects: 0,
    failures: [],
    evidence_ref: digestOf('r'),
  };
  const answering = (...events: { event: string; data: unknown }[]) =>
    fakeContext({
      client: fakeClient(
        {},
        {
          events: async function* () {
            for (const { event, data } of events) yield { id: null, event, data };
          } as never,
        },
      ),
    }).context;
  const progress = {
    event: 'progress',
    data: { schemaVersion: 'govctl/v1', kind: 'VerifyProgress', objects: 0, objects_total: 1, bytes: 0, bytes_total: 1 },
  };

  test('equal bytes are ok, other bytes an integrity failure with the result on standard output', async () => {
    expect(await verify(answering(progress, { event: 'result', data: verified }), { snapshot: 'snap-1' }, {})).toEqual({
      document: verified,
      names: ['snap-1'],
    });
    const withdrawn = { ...verified, verified: false, verification: 'withdrawn', failed_objects: 1 };
    expect(await verify(answering({ event: 'result', data: withdrawn }), { snapshot: 'snap-1' }, {})).toMatchObject({
      document: withdrawn,
      exit: 'integrity',
    });
  });

  test('a problem on the way and an answer that ends early are never a success', async () => {
    const told = { type: 'urn:govctl:problem:conflict', title: 'x', status: 409, code: 'conflict', detail: 'it moved', hint: 'again' };
    expect(await problemOf(verify(answering(progress, { event: 'problem', data: told }), { snapshot: 'snap-1' }, {}))).toMatchObject({
      code: 'conflict',
      message: 'it moved',
      hint: 'again',
    });
    expect((await problemOf(verify(answering(progress), { snapshot: 'snap-1' }, {}))).code).toBe('unreachable');
    await expect(verify(answering({ event: 'result', data: { verified: true } }), { snapshot: 'snap-1' }, {})).rejects.toThrow();
  });
});

test('snapshot get --files lists the manifest, and only one that has the hash', async () => {
  const { bytes, snapshot_hash } = encodeManifest({ dataset_id: 'orders', files: [{ path: 'a', size: 1, sha256: 'a'.repeat(64) }] });
  const answering = (body: Uint8Array) =>
    fakeContext({
      client: fakeClient(
        { 'snapshot.get': () => ({ ...row, snapshot_hash }) },
        {
          download: (async () => ({
            headers: {},
            body: (async function* () {
              yield body.subarray(0, 5);
              yield body.subarray(5);
            })(),
          })) as never,
        },
      ),
    }).context;
  expect(await get(answering(bytes), { snapshot: 'snap-1' }, { files: true })).toMatchObject({
    document: { files: [{ path: 'a', size: 1, sha256: 'a'.repeat(64) }] },
  });
  expect((await problemOf(get(answering(Buffer.from('{}')), { snapshot: 'snap-1' }, { files: true }))).code).toBe('digest-mismatch');
});
