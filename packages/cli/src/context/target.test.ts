import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configPath, isPrivate, readConfigFile, writeConfigFile } from './config-file.ts';
import { defaultSocket, resolveTarget } from './target.ts';

let folder: string;
let config: string;
const none = { context: undefined, config: undefined, socket: undefined };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-target-'));
  config = join(folder, 'config.yaml');
  await writeFile(
    config,
    `apiVersion: govctl/v1
kind: CliConfig
current_context: here
contexts:
  here: {socket: govd.sock, api_key_file: keys/me, trust_file: trust.json}
  there: {url: 'https://govd.example:8443', tenant: acme, tls: {ca_file: ca.pem}}
`,
  );
});
afterEach(() => rm(folder, { recursive: true }));

describe('which daemon', () => {
  const resolved = (globals: Partial<Record<keyof typeof none, string>>, env: Record<string, string> = {}) =>
    resolveTarget({ ...none, config, ...globals }, env, folder);

  it('flag, then environment, then context, then default; says which won and what it beat', async () => {
    const both = { GOVCTL_SOCKET: '/env.sock', GOVCTL_CONTEXT: 'there' };
    expect(await resolved({ socket: 'flag.sock', context: 'there' }, both)).toMatchObject({
      endpoint: { socket: join(folder, 'flag.sock') },
      decided_by: 'flag',
      context: null,
      overrides: ['--context', 'GOVCTL_SOCKET', 'GOVCTL_CONTEXT', `current_context of ${config}`],
    });
    expect(await resolved({ context: 'there' }, both)).toMatchObject({
      endpoint: { url: 'https://govd.example:8443' },
      decided_by: 'flag',
      context: 'there',
    });
    expect(await resolved({}, both)).toMatchObject({ endpoint: { socket: '/env.sock' }, decided_by: 'environment' });
    expect(await resolved({}, { GOVCTL_CONTEXT: 'there' })).toMatchObject({ context: 'there', decided_by: 'environment', tenant: 'acme' });
    expect(await resolved({}, { GOVCTL_CONTEXT: '' })).toMatchObject({ context: 'here', decided_by: 'context', overrides: [] });
    expect(await resolveTarget(none, { XDG_CONFIG_HOME: join(folder, 'empty') }, folder)).toMatchObject({
      endpoint: { socket: defaultSocket },
      decided_by: 'default',
      config_exists: false,
    });
  });

  it('paths of a context are relative to its file, wherever the command runs', async () => {
    const target = await resolveTarget({ ...none, config }, {}, '/');
    expect(target).toMatchObject({
      endpoint: { socket: join(folder, 'govd.sock') },
      api_key_file: join(folder, 'keys/me'),
      trust_file: join(folder, 'trust.json'),
    });
    expect((await resolved({ context: 'there' })).tls.ca_file).toBe(join(folder, 'ca.pem'));
  });

  it("a context's key never goes to another daemon", async () => {
    expect((await resolved({ socket: '/other.sock' })).api_key_file).toBeNull();
    expect((await resolved({ socket: '/other.sock' }, { GOVCTL_API_KEY_FILE: 'mine' })).api_key_file).toBe(join(folder, 'mine'));
  });

  it('an unknown context is an error that lists the known ones', async () => {
    await expect(resolved({ context: 'nowhere' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('here, there'),
    });
    await expect(resolved({ context: 'constructor' })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('the configuration file', () => {
  it('is named by flag, environment or XDG, in this order', () => {
    const env = { GOVCTL_CONFIG: 'env.yaml', XDG_CONFIG_HOME: '/xdg', HOME: '/home/ada' };
    expect(configPath('flag.yaml', env, '/w').path).toBe('/w/flag.yaml');
    expect(configPath(undefined, env, '/w').path).toBe('/w/env.yaml');
    expect(configPath(undefined, { ...env, GOVCTL_CONFIG: '' }, '/w').path).toBe('/xdg/govctl/config.yaml');
    expect(configPath(undefined, { XDG_CONFIG_HOME: 'relative', HOME: '/home/ada' }, '/w').path).toBe(
      '/home/ada/.config/govctl/config.yaml',
    );
  });

  it('may be absent only where nobody named it', async () => {
    await expect(readConfigFile(join(folder, 'no.yaml'), {}, folder)).rejects.toMatchObject({ code: 'usage', hint: 'correct --config' });
    await expect(readConfigFile(undefined, { GOVCTL_CONFIG: join(folder, 'no.yaml') }, folder)).rejects.toMatchObject({
      hint: expect.stringContaining('GOVCTL_CONFIG'),
    });
    expect(await readConfigFile(undefined, { XDG_CONFIG_HOME: folder }, folder)).toMatchObject({ exists: false });
  });

  it('tells all its errors with their lines', async () => {
    await writeFile(config, 'apiVersion: govctl/v1\nkind: CliConfig\ncontexts:\n  a: {}\n  b: {socket: s, colour: red}\n');
    await expect(readConfigFile(config, {}, folder)).rejects.toMatchObject({
      code: 'usage',
      reasons: [{ path: `${config}:4:3` }, { path: `${config}:5:18`, message: expect.stringContaining('contexts.b.colour') }],
    });
  });

  it('is told apart from the one of govd', async () => {
    await writeFile(config, 'apiVersion: govctl/v1\nkind: GovdConfig\nenvironment: local_parity\nlog: {origin: test/log}\n');
    await expect(readConfigFile(config, {}, folder)).rejects.toMatchObject({ message: expect.stringContaining('configures govd') });
  });

  it('is written whole and for its owner only', async () => {
    const path = join(folder, 'deep', 'config.yaml');
    await writeConfigFile(path, { apiVersion: 'govctl/v1', kind: 'CliConfig', contexts: { a: { socket: '/s' } } });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await isPrivate(path)).toBe(true);
    expect(await readConfigFile(path, {}, folder)).toMatchObject({ config: { contexts: { a: { socket: '/s' } } } });
    expect(await readFile(path, 'utf8')).toContain('kind: CliConfig');
    expect(await isPrivate(config)).toBe(false);
  });
});
