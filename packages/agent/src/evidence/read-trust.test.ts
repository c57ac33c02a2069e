import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem } from '@govctl/core/api';
import { publicKeyOf, publicKeyPem, type Trust } from '@govctl/core/evidence';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadKeys, type StateDir, signerOf, stateDir } from '../state/index.ts';
import { initStateDir } from '../state/init.ts';
import { readTrust } from './read-trust.ts';

const origin = 'govctl.test/log';
let folder: string;
let dir: StateDir;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-trust-'));
  dir = await initStateDir({
    root: join(folder, 's'),
    environment: 'local_parity',
    origin,
    operator: 'HUMAN::operator',
    now: () => '2026-11-21T03:00:00.000Z',
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(named = origin, root = dir.root) {
  const keys = loadKeys({ folder: stateDir(root).keys, guardedBy: 'mode' });
  const own = { decision: signerOf(keys, 'decision'), log: signerOf(keys, 'log'), capability: signerOf(keys, 'capability') };
  return readTrust(dir.trust, named, own);
}
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isProblem(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}
function edit(change: (trust: Trust) => void): void {
  const trust = JSON.parse(readFileSync(dir.trust, 'utf8')) as Trust;
  change(trust);
  writeFileSync(dir.trust, JSON.stringify(trust));
}

it('is what govd init wrote', () => {
  expect(read().root.keys.map(({ purpose }) => purpose)).toEqual(['decision', 'log', 'capability', 'token']);
});

it('refuses a weak point, whatever it is for', () => {
  // The neutral element: a key of low order, under which signatures can be made to fit any message.
  const weak = publicKeyPem(publicKeyOf(Buffer.concat([Buffer.of(1), Buffer.alloc(31)])));
  edit((trust) => {
    const token = trust.keys.find(({ purpose }) => purpose === 'token');
    if (token !== undefined) token.public_key = weak;
  });
  expect(refusal(read)).toMatch(/^unavailable: .*Ed25519 public key is refused/);
});

it('refuses a root that does not trust what this folder signs with, of another log, damaged or gone', async () => {
  const other = await initStateDir({
    root: join(folder, 'other'),
    environment: 'local_parity',
    origin,
    operator: 'HUMAN::operator',
    now: () => '2026-11-21T03:00:00.000Z',
  });
  expect(refusal(() => read(origin, other.root))).toContain('the decision key of this state folder is not in its trust root');
  expect(refusal(() => read('another/log'))).toContain('the configuration names another/log');
  edit((trust) => {
    trust.keys = trust.keys.filter(({ purpose }) => purpose !== 'capability');
  });
  expect(refusal(read)).toContain('the capability key');
  writeFileSync(dir.trust, '{"schemaVersion":');
  expect(refusal(read)).toContain('cannot be read');
  rmSync(dir.trust);
  expect(refusal(read)).toContain('cannot be read');
});
