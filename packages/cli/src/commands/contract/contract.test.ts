import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '@govctl/core/api';
import { contractSchema } from '@govctl/core/policy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeClient } from '../../command.fixture.ts';
import { programIn } from '../promotion/promotion.fixture.ts';
import { contractCommands } from './declaration.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-contract-'));
  await writeFile(join(folder, 'contract.yaml'), 'what govd reads is for govd to judge');
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));
const govctl = programIn(() => folder, contractCommands);

function version(number: number, settings: object = {}) {
  return {
    schemaVersion: 'govctl/v1' as const,
    contract_id: 'orders',
    version: number,
    tenant_id: 'default',
    dataset_id: 'orders',
    digest: `sha256:${String(number).repeat(64)}`,
    applied_at: `2026-11-2${number}T00:00:00.000Z`,
    applied_by: 'HUMAN::ada',
    contract: contractSchema.parse({
      contract_id: 'orders',
      dataset_id: 'orders',
      tenant_id: 'default',
      promotion_types: ['raw_to_gdp'],
      policy_packs: [],
      ...settings,
    }),
  };
}

const stored = fakeClient({
  'contract.get': ({ query }) => {
    const versions = [version(1), version(2, { min_quality_score: 0.9 }), version(3, { min_quality_score: 0.9, max_evidence_age: '1h' })];
    const found = versions.find((one) => one.version === (query?.version ?? 3));
    if (found === undefined) throw new Problem('not-found', { detail: 'no such version' });
    return { kind: 'Contract', ...found };
  },
});

describe('contract diff', () => {
  it.each([
    [[], 2, 3, ['max_evidence_age']],
    [['--from', '1'], 1, 3, ['max_evidence_age', 'min_quality_score']],
    [['--to', '2'], 1, 2, ['min_quality_score']],
    [['--from', '3', '--to', '1'], 3, 1, ['max_evidence_age', 'min_quality_score']],
  ])('%j compares what was asked', async (flags, from, to, fields) => {
    const { code, json } = await govctl(['contract', 'diff', 'orders', ...flags, '-o', 'json'], stored);
    expect(code).toBe(0);
    const diff = json<{ from: { version: number }; to: { version: number }; changes: { field: string }[] }>();
    expect([diff.from.version, diff.to.version, diff.changes.map(({ field }) => field)]).toEqual([from, to, fields]);
  });

  it('says that nothing stands before the first version', async () => {
    const { code, stdout, stderr } = await govctl(['contract', 'diff', 'orders', '--to', '1'], stored);
    expect([code, stdout]).toEqual([11, '']);
    expect(stderr).toContain('orders 1 is the first version');
    expect((await govctl(['contract', 'diff', 'orders', '--to', '9'], stored)).code).toBe(11);
  });
});

describe('contract apply', () => {
  const client = () =>
    fakeClient({
      'contract.apply': () => ({ kind: 'ContractApplication', ...version(1), applied: true, evidence_ref: `sha256:${'a'.repeat(64)}` }),
    });

  it('sends the file as it is', async () => {
    const asked = client();
    const { code, stdout } = await govctl(['contract', 'apply', '-f', 'contract.yaml', '--expected-version', '0', '-o', 'name'], asked);
    expect([code, stdout]).toEqual([0, 'orders\n']);
    expect(asked.calls).toEqual([
      { name: 'contract.apply', input: { body: { source: 'what govd reads is for govd to judge', expected_version: 0 } } },
    ]);
  });

  it('shows every reason of a refusal', async () => {
    const refusing = fakeClient({
      'contract.apply': () => {
        throw new Problem('unprocessable', {
          detail: 'it demands what cannot be met',
          hint: 'leave approvals out',
          reasons: [
            { path: 'approvals', message: 'none are kept' },
            { path: 'defer.then', message: 'nobody to escalate to' },
          ],
        });
      },
    });
    const { code, stdout, stderr } = await govctl(['contract', 'apply', '-f', 'contract.yaml'], refusing);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('- approvals: none are kept\n  - defer.then: nobody to escalate to\n');
  });

  it('needs a file', async () => {
    expect((await govctl(['contract', 'apply'])).code).toBe(2);
    expect((await govctl(['contract', 'apply', '-f', 'nothing.yaml'])).stderr).toContain('there is no such file');
  });
});
