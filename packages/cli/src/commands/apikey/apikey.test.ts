import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem, schemaVersion } from '@govctl/core/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClient, fakeContext } from '../../command.fixture.ts';
import { run as add } from './add.ts';
import { run as revoke } from './revoke.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-apikey-'));
});
afterEach(() => rm(folder, { recursive: true }));

const key = {
  key_id: '0123456789ab',
  actor_id: 'SYSTEM::etl',
  grants: [],
  created_at: '2026-11-21T03:00:00.000Z',
  created_by: 'HUMAN::ada',
  expires_at: null,
  revoked_at: null,
  revoked_by: null,
};
const secret = `govk_0123456789ab_${'s'.repeat(43)}`;
const issuing = () =>
  fakeClient({ 'apikey.add': () => ({ schemaVersion, kind: 'IssuedApiKey', ...key, evidence_ref: `sha256:${'0'.repeat(64)}`, secret }) });
const asked = { actor: 'SYSTEM::etl', action: ['snapshot.*'], tenant: [], dataset: [], expiresIn: undefined, out: undefined };

describe('apikey add', () => {
  it('shows the secret once, and asks for no more than it was told', async () => {
    const client = issuing();
    const result = await add(fakeContext({ client }).context, {}, { ...asked, expiresIn: 86_400_000 });
    expect(result).toMatchObject({ document: { secret }, names: ['0123456789ab'] });
    expect(client.calls).toEqual([
      {
        name: 'apikey.add',
        input: {
          body: {
            actor_id: 'SYSTEM::etl',
            grants: [{ actions: ['snapshot.*'], tenants: ['default'], datasets: ['*'] }],
            expires_at: '2026-11-22T03:00:00.000Z',
          },
        },
      },
    ]);
  });

  it('writes it to a new file for its owner only, and then shows it nowhere', async () => {
    const { context, stderr } = fakeContext({ client: issuing(), cwd: folder });
    const result = await add(context, {}, { ...asked, out: 'etl.key' });
    const path = join(folder, 'etl.key');
    expect(await readFile(path, 'utf8')).toBe(`${secret}\n`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(result) + stderr()).not.toContain('ssss');
    expect(result).toMatchObject({ document: { secret_file: path } });
  });

  it('issues nothing when the secret could not be kept', async () => {
    const client = issuing();
    await writeFile(join(folder, 'there'), 'precious');
    await expect(add(fakeContext({ client, cwd: folder }).context, {}, { ...asked, out: 'there' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(add(fakeContext({ client, cwd: folder }).context, {}, { ...asked, out: 'no/folder' })).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(client.calls).toEqual([]);
    expect(await readFile(join(folder, 'there'), 'utf8')).toBe('precious');
  });

  it('leaves no empty file behind a refusal', async () => {
    const client = fakeClient({
      'apikey.add': () => {
        throw new Problem('forbidden', { detail: 'no' });
      },
    });
    await expect(add(fakeContext({ client, cwd: folder }).context, {}, { ...asked, out: 'k' })).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(stat(join(folder, 'k'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('apikey revoke', () => {
  it('wants the key named twice', async () => {
    const client = fakeClient({ 'apikey.revoke': () => ({ schemaVersion, kind: 'ApiKey', ...key, evidence_ref: null }) });
    const flags = { reason: 'laptop lost', confirm: undefined };
    const { context } = fakeContext({ client, globals: { yes: true } });
    // --yes is for moderate questions only.
    await expect(revoke(context, { key: '0123456789ab' }, flags)).rejects.toMatchObject({ code: 'prompt-needed' });
    await expect(revoke(context, { key: '0123456789ab' }, { ...flags, confirm: 'other' })).rejects.toMatchObject({ code: 'usage' });
    expect(client.calls).toEqual([]);
    await revoke(context, { key: '0123456789ab' }, { ...flags, confirm: '0123456789ab' });
    expect(client.calls).toMatchObject([{ input: { params: { key_id: '0123456789ab' }, body: { reason: 'laptop lost' } } }]);
  });
});
