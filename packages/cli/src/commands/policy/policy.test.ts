import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePack } from '@govctl/fixtures/decision/corpus.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeClient } from '../../command.fixture.ts';
import { programIn } from '../promotion/promotion.fixture.ts';
import { policyCommands } from './declaration.ts';

const { source, ref } = fixturePack('gdp-default');
const head = { schemaVersion: 'govctl/v1' as const };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-policy-'));
  await writeFile(join(folder, 'pack.yaml'), source);
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));
const govctl = programIn(() => folder, policyCommands);

async function edited(from: string, to: string): Promise<string> {
  expect(source).toContain(from);
  await writeFile(join(folder, 'edited.yaml'), source.replace(from, to));
  return 'edited.yaml';
}

describe('policy lint and test', () => {
  it('need no daemon, and say which pack this is', async () => {
    for (const verb of ['lint', 'test']) {
      const { code, stdout } = await govctl(['policy', verb, 'pack.yaml', '-o', 'json']);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, name: 'gdp-default', digest: ref.digest });
    }
  });

  it('name every fault of the form with its place', async () => {
    const file = await edited('snapshot.total_bytes > 0\n', 'snapshot.totl_bytes >\n');
    for (const verb of ['lint', 'test', 'diff']) {
      const { code, stdout, stderr } = await govctl(['policy', verb, file]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/- edited\.yaml:\d+:\d+: rules\[0\]\.require: not CEL/);
    }
  });

  it('test fails a pack whose rule does not say what its fixtures ask, and shows which', async () => {
    const file = await edited('require: quality.total >= 2', 'require: quality.total >= 1');
    const { code, stdout } = await govctl(['policy', 'test', file, '-o', 'json']);
    expect(code).toBe(22);
    const { failed, results } = JSON.parse(stdout) as { failed: number; results: { rule: string; ok: boolean; said: string }[] };
    expect(failed).toBe(1);
    expect(results.filter(({ ok }) => !ok)).toMatchObject([{ rule: 'enough-checks', said: 'pass' }]);
    expect((await govctl(['policy', 'lint', file])).code).toBe(0);
  });

  it('name the file that is not there, or is no file', async () => {
    expect((await govctl(['policy', 'lint', 'nothing.yaml'])).stderr).toContain('there is no such file');
    expect((await govctl(['policy', 'lint', '.'])).stderr).toContain('it is a folder');
    await writeFile(join(folder, 'binary.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
    expect((await govctl(['policy', 'lint', 'binary.yaml'])).stderr).toContain('is not UTF-8');
  });
});

describe('policy diff', () => {
  const client = () =>
    fakeClient({
      'policy.get': () => ({ ...head, kind: 'PolicyPack', ...ref, active: true, stored_at: '2026-11-21T00:00:00.000Z', source }),
    });

  it('compares a file with the active pack of its name', async () => {
    const file = await edited('severity: defer', 'severity: deny');
    const asked = client();
    const { stdout } = await govctl(['policy', 'diff', file, '-o', 'json'], asked);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'PolicyDiff',
      added: [],
      removed: [],
      changed: [{ rule: 'enough-checks', changes: [{ field: 'severity', from: 'defer', to: 'deny' }] }],
    });
    expect(asked.calls).toEqual([{ name: 'policy.get', input: { params: { pack: 'gdp-default' } } }]);
    expect((await govctl(['policy', 'diff', file, 'gdp-default'], client())).stdout).toContain('      - deny\n      + defer\n');
  });

  it('needs no daemon for two files', async () => {
    const file = await edited('  - id: settled', '  - id: calm');
    const { code, stderr } = await govctl(['policy', 'diff', 'pack.yaml', file]);
    // The fixtures still name the old rule: a pack that does not lint is not compared.
    expect([code, stderr.includes("there is no rule 'settled'")]).toEqual([2, true]);
    expect((await govctl(['policy', 'diff', 'pack.yaml', 'pack.yaml'])).stdout).toContain('no rule differs');
  });
});

describe('policy activate', () => {
  const activation = {
    ...head,
    kind: 'PolicyActivation' as const,
    pack: ref,
    activated: true,
    policy_rev: ref.digest,
    previous_policy_rev: null,
    activation: 1,
    packs: [ref],
    contracts_to_apply: ['orders'],
    evidence_ref: ref.digest,
  };

  it('sends the file byte for byte, and warns of contracts that are left behind', async () => {
    const client = fakeClient({ 'policy.activate': () => activation });
    const { code, stdout, stderr } = await govctl(
      ['policy', 'activate', 'pack.yaml', '--expected-policy-rev', 'none', '-o', 'name'],
      client,
    );
    expect([code, stdout]).toEqual([0, `${ref.digest}\n`]);
    expect(stderr).toContain('applied again and pin gdp-default 1.0.0: orders');
    expect(client.calls).toEqual([{ name: 'policy.activate', input: { body: { source, expected_policy_rev: null } } }]);
  });

  it('takes the pack from standard input', async () => {
    const client = fakeClient({ 'policy.activate': () => ({ ...activation, contracts_to_apply: [] }) });
    const { code } = await govctl(['policy', 'activate', '-'], client, {}, source);
    expect(code).toBe(0);
    expect(client.calls).toEqual([{ name: 'policy.activate', input: { body: { source } } }]);
  });
});

describe('policy deactivate', () => {
  it('needs a reason, and warns of contracts that pin it', async () => {
    expect((await govctl(['policy', 'deactivate', 'gdp-default'])).code).toBe(2);
    const client = fakeClient({
      'policy.deactivate': () => ({
        ...{
          ...head,
          kind: 'PolicyDeactivation' as const,
          pack: ref,
          deactivated: true,
          policy_rev: ref.digest,
          previous_policy_rev: ref.digest,
        },
        ...{ activation: 2, packs: [], contracts_waiting: ['orders'], evidence_ref: ref.digest },
      }),
    });
    const { code, stderr } = await govctl(['policy', 'deactivate', 'gdp-default', '--reason', 'its rule is wrong'], client);
    expect([code, stderr]).toEqual([0, expect.stringContaining('until gdp-default is active again')]);
    expect(client.calls).toEqual([
      { name: 'policy.deactivate', input: { params: { pack: 'gdp-default' }, body: { reason: 'its rule is wrong' } } },
    ]);
  });
});
