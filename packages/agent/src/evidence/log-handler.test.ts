import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeBase64,
  leafHash,
  openLogCheckpoint,
  parseEntryBundle,
  parseLeafBody,
  parseNote,
  parseProof,
  parseTile,
  publicKeyPem,
  TreeAppender,
  tilePath,
  tilesOf,
  verifyConsistency,
  verifyExport,
  verifyInclusion,
} from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';

let at: TestDaemon;
const older: string[] = [];
beforeAll(async () => {
  at = await testDaemon();
  older.push(await checkpoint());
  await at.govern('orders');
  older.push(await checkpoint());
  await at.promote('orders', 'run-1');
  await at.govern('clients');
  await at.promote('clients', 'run-2');
  older.push(await checkpoint());
  for (let n = 0; n < 300; n += 1) await at.snapshot('orders', `row ${n}\n`);
});
afterAll(async () => {
  await at.close();
});

const text = async (path: string) => (await at.call('GET', path, { key: null })).bytes.toString('utf8');
const checkpoint = () => text('/v1/log/checkpoint');
type Item = { ref: string; leaf_index: number; record_kind: string; run_id: string | null; dataset_id: string | null };
const list = async (query: string, key?: string) => {
  const answer = await at.call('GET', `/v1/evidence${query}`, key === undefined ? {} : { key });
  return answer.json() as { items: Item[]; next_cursor: string | null };
};

describe('the log over HTTP', () => {
  it('signs checkpoints that openssl verifies with the served key', async () => {
    const keys = (await at.call('GET', '/v1/keys', { key: null })).json() as { items: { purpose: string; public_key: string }[] };
    expect(keys.items.map(({ purpose }) => purpose)).toEqual(['decision', 'log', 'capability', 'token']);
    const pem = keys.items.find(({ purpose }) => purpose === 'log')?.public_key ?? '';
    expect(at.trust.keys.map((key) => publicKeyPem(key))).toContain(pem);
    const { text: body, signatures } = parseNote(await checkpoint());
    const folder = mkdtempSync(join(tmpdir(), 'govctl-openssl-'));
    try {
      writeFileSync(join(folder, 'key.pem'), pem);
      writeFileSync(join(folder, 'body'), body);
      writeFileSync(join(folder, 'sig'), signatures[0]?.sig ?? '');
      const verify = (input: string) =>
        execFileSync('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', 'key.pem', '-rawin', '-in', input, '-sigfile', 'sig'], {
          cwd: folder,
          encoding: 'utf8',
        });
      expect(verify('body')).toContain('Signature Verified Successfully');
      writeFileSync(join(folder, 'other'), body.replace(/\n\d+\n/, '\n1\n'));
      expect(() => verify('other')).toThrow();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('serves tiles from which anybody builds the whole tree again', async () => {
    const head = openLogCheckpoint(await checkpoint(), at.trust);
    expect(head.size).toBeGreaterThan(300);
    const tree = new TreeAppender(0, []);
    const bodies: Uint8Array[] = [];
    const leaves: Uint8Array[] = [];
    for (const tile of tilesOf(head.size)) {
      const answer = await at.call('GET', `/v1/log/${tilePath(tile)}`, { key: null });
      expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
      if (tile.level === 'entries') bodies.push(...parseEntryBundle(answer.bytes, tile.width));
      if (tile.level === 0) leaves.push(...parseTile(answer.bytes, tile.width));
      if (tile.level === 1) {
        const below = new TreeAppender(0, []);
        for (const leaf of leaves.slice(0, 256)) below.append(leaf);
        expect(Buffer.compare(parseTile(answer.bytes, tile.width)[0] ?? Buffer.alloc(0), below.root())).toBe(0);
      }
    }
    for (const body of bodies) tree.append(leafHash(body));
    expect(leaves.map((leaf, index) => Buffer.compare(leaf, leafHash(bodies[index] ?? Buffer.alloc(0))))).toEqual(leaves.map(() => 0));
    expect(Buffer.compare(tree.root(), head.root)).toBe(0);
  });

  it('has no tile that is not in the tree, and no other spelling of one', async () => {
    for (const path of [
      'tile/0/001.p/200',
      'tile/0/002',
      'tile/7/000',
      'tile/0/x000/001',
      'tile/0/000.p/256',
      'tile/00/000',
      'tile/entries/009',
    ])
      expect((await at.call('GET', `/v1/log/${path}`, { key: null })).status, path).toBe(404);
  });

  it('proves inclusion by ref and by index', async () => {
    const { items } = await list('?run_id=run-1');
    expect(items.map(({ record_kind }) => record_kind)).toEqual(['promotion', 'verification-summary', 'decision']);
    for (const { ref, leaf_index } of items) {
      for (const query of [`ref=${ref}`, `index=${leaf_index}`]) {
        const proof = (await at.call('GET', `/v1/log/proof?${query}`, { key: null })).json() as {
          ref: string;
          leaf_body: string;
          hashes: string[];
          checkpoint: string;
          proof: string;
        };
        const head = openLogCheckpoint(proof.checkpoint, at.trust);
        const body = decodeBase64(proof.leaf_body) ?? Buffer.alloc(0);
        expect(parseLeafBody(body).payload_digest).toBe(ref);
        const { hashes, index } = parseProof(proof.proof);
        expect(verifyInclusion(index, head.size, leafHash(body), hashes, head.root)).toBe(true);
        expect(verifyInclusion(index + 1, head.size, leafHash(body), hashes, head.root)).toBe(false);
      }
    }
    for (const wrong of ['', 'ref=x', `ref=sha256:${'1'.repeat(64)}&index=1`])
      expect((await at.call('GET', `/v1/log/proof?${wrong}`)).status).toBe(400);
    expect((await at.call('GET', '/v1/log/proof?index=100000')).status).toBe(404);
  });

  it('proves that it grew from every checkpoint it ever showed', async () => {
    expect(openLogCheckpoint(older[0] ?? '', at.trust).size).toBe(0);
    for (const note of older.slice(1)) {
      const old = openLogCheckpoint(note, at.trust);
      const answer = (await at.call('GET', `/v1/log/consistency?from=${old.size}`, { key: null })).json() as {
        hashes: string[];
        checkpoint: string;
      };
      const head = openLogCheckpoint(answer.checkpoint, at.trust);
      const hashes = answer.hashes.map((hash) => decodeBase64(hash) ?? Buffer.alloc(0));
      expect(verifyConsistency(old.size, head.size, old.root, head.root, hashes)).toBe(true);
      const other = Buffer.from(old.root);
      other[0] = (other[0] ?? 0) ^ 1;
      expect(verifyConsistency(old.size, head.size, other, head.root, hashes)).toBe(false);
    }
    expect((await at.call('GET', '/v1/log/consistency?from=100000', { key: null })).status).toBe(404);
  });
});

describe('records', () => {
  it('are listed page by page, newest first, without a gap', async () => {
    const seen: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Awaited<ReturnType<typeof list>> = await list(`?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ leaf_index }) => leaf_index));
      cursor = page.next_cursor;
    }
    const { size } = openLogCheckpoint(await checkpoint(), at.trust);
    expect(seen).toEqual(Array.from({ length: size }, (_, index) => size - 1 - index));
    expect((await list('?dataset_id=clients&kind=promotion')).items.map(({ run_id }) => run_id)).toEqual(['run-2']);
    expect((await at.call('GET', '/v1/evidence?cursor=x')).status).toBe(400);
  });

  it('of datasets without a grant are neither listed, exported nor shown', async () => {
    const key = await at.key('HUMAN::auditor', ['evidence.read', 'decision.read'], ['clients']);
    const { items } = await list('?limit=500', key);
    expect(items.length).toBeGreaterThan(0);
    expect([...new Set(items.map(({ dataset_id }) => dataset_id))]).toEqual(['clients']);
    const status = async (path: string) => (await at.call('GET', path, { key })).status;
    expect([await status('/v1/evidence/export/run-1'), await status('/v1/evidence/export/run-2')]).toEqual([403, 200]);
    expect([await status('/v1/decisions/run-1'), await status('/v1/decisions/run-2')]).toEqual([403, 200]);
  });

  it('of a run are exported with everything that verifies them', async () => {
    const file = (await at.call('GET', '/v1/evidence/export/run-1')).json();
    const verified = verifyExport(file, at.trust);
    expect(verified).toMatchObject({ verified: true });
    expect(verified.records.map(({ record }) => record?.statement.kind)).toEqual(['decision', 'verification-summary', 'promotion']);
    expect(file).toMatchObject({ policies: [{ name: 'gdp-default' }] });
    expect((await at.call('GET', '/v1/evidence/export/run-99')).status).toBe(404);
  });

  it('that are decisions are shown as such, by ref and by run', async () => {
    const byRun = (await at.call('GET', '/v1/decisions/run-1')).json();
    expect(byRun).toMatchObject({ kind: 'Decision', decision: 'allow', run_id: 'run-1', dry_run: false });
    expect((await at.call('GET', `/v1/decisions/${String(byRun.decision_ref)}`)).json()).toEqual(byRun);
    const [promotion] = (await list('?run_id=run-1')).items;
    expect((await at.call('GET', `/v1/decisions/${promotion?.ref ?? ''}`)).status).toBe(404);
  });
});
