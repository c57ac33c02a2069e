import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enrolPublicKey, rawPublicKey, trustOf } from '@govctl/core/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeContext } from '../../command.fixture.ts';
import { readConfigFile } from '../../context/config-file.ts';
import { run as add } from './add.ts';
import { run as ls } from './ls.ts';
import { run as use } from './use.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-context-'));
});
afterEach(() => rm(folder, { recursive: true }));

const noFlags = {
  url: undefined,
  apiKeyFile: undefined,
  trustFile: undefined,
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  serverName: undefined,
  tenant: undefined,
  use: false,
  replace: false,
};
const context = (globals = {}, env = {}) =>
  fakeContext({ cwd: folder, env: { XDG_CONFIG_HOME: folder, GOVCTL_CONFIG: '', ...env }, globals });
const read = async () => (await readConfigFile(join(folder, 'govctl', 'config.yaml'), {}, folder)).config;

function trustText(): string {
  const keys = (['decision', 'log'] as const).map((purpose) => {
    const { publicKey } = generateKeyPairSync('ed25519');
    return {
      ...enrolPublicKey(rawPublicKey(publicKey.export({ type: 'spki', format: 'der' }))),
      purpose,
      role: 'governance',
      from_index: 0,
      to_index: null,
    };
  });
  return JSON.stringify(trustOf('test/log', keys));
}

describe('context add', () => {
  it('writes a private configuration, and pins a copy of the trust root', async () => {
    await writeFile(join(folder, 'trust.json'), trustText());
    const result = await add(
      context({ socket: 'govd.sock' }).context,
      { name: 'local' },
      { ...noFlags, trustFile: 'trust.json', apiKeyFile: 'key' },
    );
    expect(result).toMatchObject({
      document: { current: true, log_origin: 'test/log', pinned_keys: [{ purpose: 'decision' }, { purpose: 'log' }] },
    });
    expect(await read()).toMatchObject({
      current_context: 'local',
      contexts: { local: { socket: join(folder, 'govd.sock'), trust_file: 'trust/local.json', api_key_file: join(folder, 'key') } },
    });
    const pinned = join(folder, 'govctl', 'trust', 'local.json');
    expect(await readFile(pinned, 'utf8')).toBe(await readFile(join(folder, 'trust.json'), 'utf8'));
    expect((await stat(pinned)).mode & 0o777).toBe(0o600);
  });

  it('pins nothing it cannot believe, and then writes nothing', async () => {
    await writeFile(join(folder, 'trust.json'), trustText().replace('"governance"', '"governance","extra":1'));
    await expect(add(context({ socket: 's' }).context, { name: 'local' }, { ...noFlags, trustFile: 'trust.json' })).rejects.toMatchObject({
      code: 'untrusted-keys',
    });
    await expect(stat(join(folder, 'govctl'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('needs a socket or a URL, not both, and a free name', async () => {
    await expect(add(context().context, { name: 'x' }, noFlags)).rejects.toMatchObject({ code: 'usage' });
    await expect(add(context({ socket: 's' }).context, { name: 'x' }, { ...noFlags, url: 'https://h:1' })).rejects.toMatchObject({
      code: 'usage',
    });
    await expect(add(context().context, { name: 'x' }, { ...noFlags, url: 'http://h:1' })).rejects.toMatchObject({ code: 'usage' });
    await expect(add(context({ socket: 's' }).context, { name: '../x' }, noFlags)).rejects.toMatchObject({ code: 'usage' });
    await add(context({ socket: 's' }).context, { name: 'x' }, noFlags);
    await expect(add(context({ socket: 't' }).context, { name: 'x' }, noFlags)).rejects.toMatchObject({ code: 'conflict' });
    await add(context({ socket: 't' }).context, { name: 'x' }, { ...noFlags, replace: true });
    expect((await read()).contexts.x?.socket).toBe(join(folder, 't'));
  });
});

describe('context use', () => {
  it('changes the current one, and warns when something else still wins', async () => {
    await add(context({ socket: 's' }).context, { name: 'a' }, noFlags);
    await add(context({ socket: 't' }).context, { name: 'b' }, noFlags);
    expect((await read()).current_context).toBe('a');
    const quiet = context();
    await use(quiet.context, { name: 'b' }, {});
    expect(quiet.stderr()).toBe('');
    expect((await read()).current_context).toBe('b');
    const loud = context({}, { GOVCTL_CONTEXT: 'a' });
    await use(loud.context, { name: 'b' }, {});
    expect(loud.stderr()).toContain('GOVCTL_CONTEXT=a');
    await expect(use(context().context, { name: 'c' }, {})).rejects.toMatchObject({ code: 'not-found' });
    expect(await ls(context().context, {}, {})).toMatchObject({
      document: {
        items: [
          { name: 'a', current: false },
          { name: 'b', current: true },
        ],
      },
    });
  });
});
