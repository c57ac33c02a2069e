import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519Signer, readCheckpoint, signCheckpoint } from '@govctl/core/evidence';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { advanceNote } from './note-file.ts';

const signer = ed25519Signer(generateKeyPairSync('ed25519').privateKey);
const noteOf = (size: number) => signCheckpoint({ origin: 'test', size, root: new Uint8Array(32).fill(size) }, signer);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-note-'));
  path = join(folder, 'checkpoint');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const kept = () => readCheckpoint(readFileSync(path, 'utf8')).size;

it('goes forward only, however many hosts write at once, and leaves nothing beside it', async () => {
  const sizes = Array.from({ length: 40 }, (_, index) => ((index * 7) % 40) + 1);
  await advanceNote(path, noteOf(0));
  const seen: number[] = [];
  const watching = setInterval(() => seen.push(kept()), 1);
  await Promise.all(sizes.map((size) => advanceNote(path, noteOf(size))));
  clearInterval(watching);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(kept()).toBe(40);
  await advanceNote(path, noteOf(12));
  expect(kept()).toBe(40);
  expect(readdirSync(folder)).toEqual(['checkpoint']);
});

it('does not wait for a host that died in the middle', async () => {
  writeFileSync(`${path}.lock`, 'a host that is gone');
  await advanceNote(path, noteOf(3));
  expect(kept()).toBe(3);
  expect(readdirSync(folder)).toEqual(['checkpoint']);
});

it('replaces nothing that is no checkpoint', async () => {
  writeFileSync(path, 'somebody else wrote here');
  await expect(advanceNote(path, noteOf(3))).rejects.toThrow();
  expect(readFileSync(path, 'utf8')).toBe('somebody else wrote here');
});
