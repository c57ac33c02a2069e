import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem, schemaVersion } from '@govctl/core/api';
import { parityContract } from '@govctl/core/environment';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeRoutes, fakeClient, fakeContext } from '../../command.fixture.ts';
import type { Check } from './check.ts';
import { run } from './doctor.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-doctor-'));
});
afterEach(() => rm(folder, { recursive: true }));

const healthy: FakeRoutes = {
  'system.version': () => ({
    schemaVersion,
    kind: 'Version',
    version: '1',
    service_release_id: 'r',
    api: { min: 1, max: 1 },
    kernel_version: '1',
    schema: 1,
    environment: 'local_parity',
    parity_contract: parityContract(),
  }),
  'system.ready': () => ({ schemaVersion, kind: 'Readiness', ready: true, checks: [{ name: 'schema', ok: true, detail: 'schema 1' }] }),
  'doctor.examine': () => ({ schemaVersion, kind: 'Examination', checks: [{ name: 'keys', status: 'pass', detail: 'four', fix: null }] }),
  'promotion.ls': () => ({ schemaVersion, kind: 'PromotionList', items: [], next_cursor: null }),
  'handoff.status': () => handoff('ok'),
};

const handoff = (coverage: 'ok' | 'behind' | 'pruned', fix: { fix?: string } = {}) => ({
  schemaVersion,
  kind: 'HandoffStatus' as const,
  coverage,
  reason: 'as told',
  lag_rows: 0,
  lag_seconds: 0,
  unannounced_rows: 0,
  last_poll_at: null,
  cursor: {},
  pending: { by_type: {} },
  quarantine: 0,
  paused: null,
  ...fix,
});

/** What time the daemon has: that of the test context. */
let clock = 'Sat, 21 Nov 2026 03:00:00 GMT';

async function diagnose(routes: FakeRoutes, config?: string) {
  const path = join(folder, 'config.yaml');
  if (config !== undefined) await writeFile(path, config, { mode: 0o600 });
  const env = { XDG_CONFIG_HOME: folder };
  const result = await run(
    fakeContext({
      client: fakeClient(routes, { download: async () => ({ status: 200, headers: { date: clock }, body: (async function* () {})() }) }),
      env,
      ...(config === undefined ? {} : { globals: { config: path } }),
    }).context,
    {},
    { stateDir: undefined, govd: undefined },
  );
  if (!('document' in result)) throw new Error('no document');
  const checks = result.document.checks as Check[];
  return { exit: result.exit, of: (name: string) => checks.find((check) => check.name === name) };
}

describe('doctor', () => {
  it('finds nothing where nothing is wrong', async () => {
    const { exit, of } = await diagnose(healthy);
    expect(exit).toBe('ok');
    expect(of('daemon')).toMatchObject({ status: 'pass' });
    expect(of('parity')).toMatchObject({ status: 'pass' });
    expect(of('ready/schema')).toMatchObject({ status: 'pass' });
  });

  it('hears what govd finds on its host, and leaves it out where it may not ask or govd is older', async () => {
    const full = { name: 'disk-state', status: 'fail' as const, detail: 'only 3 MiB free', fix: 'df -h /s' };
    const found = await diagnose({ ...healthy, 'doctor.examine': () => ({ schemaVersion, kind: 'Examination', checks: [full] }) });
    expect(found.exit).toBe('findings');
    expect(found.of('state/disk-state')).toMatchObject({ status: 'fail', fix: 'df -h /s' });
    for (const code of ['forbidden', 'not-found'] as const) {
      const refused = () => {
        throw new Problem(code, { detail: code });
      };
      expect((await diagnose({ ...healthy, 'doctor.examine': refused })).exit).toBe('ok');
    }
  });

  it('says that births may be missing, and how to mend it', async () => {
    expect((await diagnose(healthy)).of('handoff')).toMatchObject({ status: 'pass' });
    const behind = await diagnose({ ...healthy, 'handoff.status': () => handoff('behind') });
    expect([behind.exit, behind.of('handoff')]).toEqual(['ok', expect.objectContaining({ status: 'warn', fix: 'govctl handoff status' })]);
    const pruned = await diagnose({ ...healthy, 'handoff.status': () => handoff('pruned', { fix: 'govctl handoff import FILE' }) });
    expect(pruned.exit).toBe('findings');
    expect(pruned.of('handoff')).toMatchObject({ status: 'fail', detail: 'pruned: as told', fix: 'govctl handoff import FILE' });
  });

  it('compares the clocks', async () => {
    expect((await diagnose(healthy)).of('clock')).toMatchObject({ status: 'pass' });
    clock = 'Sat, 21 Nov 2026 02:59:00 GMT';
    expect((await diagnose(healthy)).of('clock')).toMatchObject({ status: 'warn', detail: expect.stringContaining('60 s apart') });
    clock = 'Sat, 21 Nov 2026 03:00:00 GMT';
  });

  it('works with the daemon down, and says how to start it', async () => {
    const down = () => {
      throw new Problem('not-started', { detail: 'no socket', hint: 'systemctl start govd' });
    };
    const { exit, of } = await diagnose({ 'system.version': down });
    expect(exit).toBe('findings');
    expect(of('daemon')).toMatchObject({ status: 'fail', fix: 'systemctl start govd' });
    expect(of('authentication')).toBeUndefined();
  });

  it('works with a configuration that cannot be read', async () => {
    const { exit, of } = await diagnose({}, 'kind: Nonsense\n');
    expect(exit).toBe('findings');
    expect(of('configuration')).toMatchObject({ status: 'fail', fix: expect.stringContaining('govctl config validate') });
  });

  it('sees keys that others may read, keys that are none, and trust that is missing', async () => {
    const key = join(folder, 'key');
    await writeFile(key, `govk_0123456789ab_${'x'.repeat(43)}\n`);
    await chmod(key, 0o644);
    const config =
      'apiVersion: govctl/v1\nkind: CliConfig\ncurrent_context: a\ncontexts: {a: {socket: s, api_key_file: key, trust_file: no.json}}\n';
    const open = await diagnose(healthy, config);
    expect(open.exit).toBe('findings');
    expect(open.of('api-key')).toMatchObject({ status: 'warn', fix: `chmod 600 ${key}` });
    expect(open.of('trust')).toMatchObject({ status: 'fail' });
    await writeFile(key, 'hello');
    expect((await diagnose(healthy, config)).of('api-key')).toMatchObject({ status: 'fail' });
  });

  it('tells a refused key from one that may not list promotions', async () => {
    const answer = (code: 'unauthenticated' | 'forbidden') => ({
      ...healthy,
      'promotion.ls': () => {
        throw new Problem(code, { detail: code });
      },
    });
    expect((await diagnose(answer('unauthenticated'))).of('authentication')).toMatchObject({ status: 'fail' });
    expect((await diagnose(answer('forbidden'))).of('authentication')).toMatchObject({ status: 'pass' });
  });

  it('sees what is not ready, and another parity contract', async () => {
    const { exit, of } = await diagnose({
      ...healthy,
      'system.ready': () => ({
        schemaVersion,
        kind: 'Readiness',
        ready: false,
        checks: [{ name: 'second-place', ok: false, detail: 'behind' }],
      }),
      'system.version': async () => ({ ...(await healthy['system.version']?.({})), parity_contract: `sha256:${'0'.repeat(64)}` }) as never,
    });
    expect(exit).toBe('findings');
    expect(of('ready/second-place')).toMatchObject({ status: 'fail', detail: 'behind' });
    expect(of('parity')).toMatchObject({ status: 'warn' });
  });
});
