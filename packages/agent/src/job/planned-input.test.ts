import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { digestOf } from '@govctl/core/evidence';
import { jobFileSchema } from '@govctl/core/job';
import { encodeManifest } from '@govctl/core/promotion';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ObjectStore, oneChunk, openFolderStore } from '../object/index.ts';
import { prepareFolder, runFolder } from './folder.ts';
import { detectInputs } from './input.ts';
import { lookIntoInputs } from './planned-input.ts';

let folder: string;
let objects: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-planned-'));
  objects = await openFolderStore(join(folder, 'objects'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const inputs = async (...all: readonly Record<string, Uint8Array>[]) => {
  const pinned = [];
  for (const [index, contents] of all.entries()) {
    const files = [];
    for (const [path, bytes] of Object.entries(contents)) {
      if ((await objects.size(digestOf(bytes))) === null) await objects.put(digestOf(bytes), oneChunk(bytes));
      files.push({ path, size: bytes.length, sha256: digestOf(bytes).slice('sha256:'.length) });
    }
    const { bytes, snapshot_hash } = encodeManifest({ dataset_id: 'books', files });
    await objects.put(snapshot_hash, oneChunk(bytes));
    pinned.push({ name: `books-${index}`, dataset_id: 'books', snapshot_id: `snap-${index}`, snapshot_hash });
  }
  return jobFileSchema.parse({
    ...{ apiVersion: 'govctl/v1', kind: 'Job', workspace: 'acme', label_asof: '2026-01-31T00:00:00Z', policy_packs: ['p'] },
    inputs: pinned,
    steps: [{ name: 'one', command: ['true'] }],
  });
};
const fixture = (path: string) => readFile(resolve(import.meta.dirname, '../../../../fixtures/job/invoices', path));
const looked = (file: Awaited<ReturnType<typeof inputs>>, files: number | null = 2) =>
  lookIntoInputs(
    objects,
    file.inputs.map((input) => ({ input, files })),
  );

it('finds in the store what a run finds in its copy, also of a file that is larger than what is looked at', async () => {
  const good = await fixture('good.csv');
  const large = Buffer.concat([good, Buffer.alloc(3_000_000, 'INV-9,2026-01-09,Acme,1.00\n')]);
  const file = await inputs(
    { 'b/large.csv': large, 'a.csv': await fixture('wrong-headers.csv') },
    { 'B.csv': good, 'empty.csv': Buffer.from('') },
  );
  const run = runFolder(folder, 'run-1');
  await prepareFolder(run, file, objects, AbortSignal.timeout(60_000));
  const facts = (await looked(file)).map(({ fact }) => fact);
  expect(facts).toEqual(await detectInputs(run, file));
  expect(facts[0]?.files.map(({ path, detection }) => [path, detection.state])).toEqual([
    ['a.csv', 'wrong_headers'],
    ['b/large.csv', 'good'],
  ]);
});

it('says what it did not look at: what may not be used, is too much, or is not stored any more', async () => {
  const file = await inputs({ 'a.csv': await fixture('good.csv') });
  const why = async (files: number | null) => (await looked(file, files))[0];
  expect(await why(null)).toMatchObject({ fact: null, why: 'it cannot be used' });
  expect(await why(20_001)).toMatchObject({ fact: null, files: 20_001, why: expect.stringContaining('at most 20000 files') });

  const gone = await inputs({ 'gone.csv': Buffer.from('gone') });
  await objects.setAside(digestOf('gone'));
  expect((await looked(gone, 1))[0]).toMatchObject({ fact: null, why: 'gone.csv is not stored any more' });
  await objects.setAside(gone.inputs[0]?.snapshot_hash as `sha256:${string}`);
  expect((await looked(gone, 1))[0]).toMatchObject({ fact: null, why: 'the manifest of snap-0 is not stored any more' });

  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`${index}.csv`, Buffer.from(String(index % 3))]));
  const three = await looked(await inputs(many, many, many), 300);
  expect(three.map(({ fact }) => fact?.files.length ?? null)).toEqual([256, 256, null]);
  expect(three[2]).toMatchObject({ why: expect.stringContaining('512 files') });
});
