import { describe, expect, it } from 'vitest';
import type { SignerKeyFact } from '../decision/facts.ts';
import { applyContract } from './apply-contract.ts';
import type { ContractFile } from './contract.ts';
import { diffContracts } from './contract-diff.ts';
import { durationMs } from './duration.ts';
import { readContract } from './read-contract.ts';

// As the command line page has it.
const source = `apiVersion: govctl/v1
kind: Contract
contract_id: orders
dataset_id: orders
promotion_types: [raw_to_gdp, gdp_to_kpi]
policy_packs: [gdp-default]          # pinned to digests when applied
required_checks: [not_null_orders_id, unique_orders_id]
min_quality_score: 0.95
max_evidence_age: 24h
requires_coverage: false             # true where use needs handoff coverage and OSPA; true when left out
signers: { threshold: 0 }
approvals: { quorum: 0 }
pending_audit: { owner: data-platform, sla: 24h }
`;
const active = [{ name: 'gdp-default', version: '1.0.0', digest: `sha256:${'a'.repeat(64)}` }];

function read(text: string): ContractFile {
  const { value, problems } = readContract(text);
  if (value === undefined) throw new Error(JSON.stringify(problems));
  return value;
}
function problemsOf(text: string, signer_keys: readonly SignerKeyFact[] = []) {
  const applied = applyContract(read(text), { active, signer_keys });
  return applied.ok ? [] : applied.problems.map(({ path }) => path);
}

describe('a contract', () => {
  it('is pinned and spelled out when applied', () => {
    const applied = applyContract(read(source), { active, signer_keys: [] });
    expect(applied).toMatchObject({
      ok: true,
      contract: { policy_packs: active, tenant_id: 'default', defer: { max: '24h', then: 'deny', min_interval: '1m' } },
    });
    const again = applyContract(
      read(source.replace('contract_id: orders\ndataset_id: orders', 'dataset_id: orders\ncontract_id: orders')),
      { active, signer_keys: [] },
    );
    expect(applied.ok && again.ok && applied.digest === again.digest).toBe(true);
  });

  it('is refused briefly when it is nested beyond reason', () => {
    for (const text of [`a: ${'['.repeat(100_000)}`, `${'- '.repeat(100_000)}a`, `a: ${'{b: '.repeat(5_000)}`]) {
      const { value, problems } = readContract(text);
      expect(value).toBeUndefined();
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.length).toBeLessThan(30);
    }
  });

  it('asks for coverage when it does not say', () => {
    expect(read(source.replace(/requires_coverage.*\n/, '')).requires_coverage).toBe(true);
  });

  it('is closed, and says where', () => {
    const { problems } = readContract(
      source.replace('min_quality_score', 'min_qualty_score').replace('24h\nrequires', '24 hours\nrequires'),
    );
    expect(problems.map(({ path, line }) => `${path}:${line}`)).toEqual(['max_evidence_age:9', 'min_qualty_score:8']);
  });

  it.each([
    ['approvals: { quorum: 0 }', 'approvals: { quorum: 2, roles: [Steward] }', 'approvals.roles'],
    ['approvals: { quorum: 0 }', 'approvals: { quorum: 2, roles: [steward, steward] }', 'approvals.roles'],
    ['approvals: { quorum: 0 }', 'approvals: { quorum: 0, overridable_rules: [freshness] }', 'approvals.overridable_rules'],
    ['approvals: { quorum: 0 }', 'approvals: { quorum: 1, overridable_rules: [single-writer] }', 'approvals.overridable_rules'],
    ['approvals: { quorum: 0 }', 'approvals: { quorum: 1, overridable_rules: ["rule:other/x"] }', 'approvals.overridable_rules'],
    ['gdp_to_kpi]', 'bundle_to_active]', 'promotion_types'],
    ['threshold: 0', 'threshold: 1', 'signers.threshold'],
    ['[gdp-default]', '[gdp-default, other]', 'policy_packs[1]'],
    ['[gdp-default]', '[gdp-default, gdp-default]', 'policy_packs'],
    ['[not_null_orders_id, unique_orders_id]', '[a, a]', 'required_checks'],
    ['pending_audit:', 'defer: { then: escalate }\npending_audit:', 'defer.then'],
    ['pending_audit:', 'defer: { max: 1m, min_interval: 2m }\npending_audit:', 'defer.min_interval'],
  ])('%s as %s cannot be met', (from, to, path) => {
    expect(problemsOf(source)).toEqual([]);
    expect(problemsOf(source.replace(from, to))).toEqual([path]);
  });

  it('may ask for as many signers as distinct keys are enrolled', () => {
    const key = {
      key_id: 'a',
      role: 'steward',
      public_key: 'A',
      valid_from: '2026-01-01T00:00:00.000Z',
      valid_until: null,
      revoked_at: null,
    };
    const two = source.replace('{ threshold: 0 }', '{ threshold: 2, roles: [steward] }');
    expect(problemsOf(two, [key, { ...key, key_id: 'b', public_key: 'B' }])).toEqual([]);
    expect(problemsOf(two, [key, { ...key, key_id: 'b' }])).toEqual(['signers.threshold']);
    expect(problemsOf(two, [key, { ...key, key_id: 'b', public_key: 'B', revoked_at: '2026-01-02T00:00:00.000Z' }])).toEqual([
      'signers.threshold',
    ]);
    expect(problemsOf(two.replace('[steward]', '[steward, auditor]'), [key, { ...key, key_id: 'b', public_key: 'B' }])).toEqual([
      'signers.roles',
    ]);
  });
});

describe('durations', () => {
  it('are one number and one unit', () => {
    expect(['90s', '15m', '24h', '7d'].map(durationMs)).toEqual([90_000, 900_000, 86_400_000, 604_800_000]);
    for (const text of ['', '24', 'h', '1h30m', '-1h', '1.5h', ' 1h', '1H']) expect(() => durationMs(text)).toThrow(RangeError);
  });
});

describe('what another version demands', () => {
  it('is told setting by setting', () => {
    const applied = (text: string) => {
      const result = applyContract(read(text), { active, signer_keys: [] });
      if (!result.ok) throw new Error(JSON.stringify(result.problems));
      return result.contract;
    };
    const next = source.replace('min_quality_score: 0.95', 'check_weights: { unique_orders_id: 2 }').replace('sla: 24h', 'sla: 1h');
    expect(diffContracts(applied(source), applied(source))).toEqual([]);
    expect(diffContracts(applied(source), applied(next.replace(', gdp_to_kpi]', ']')))).toEqual([
      { field: 'check_weights.unique_orders_id', from: null, to: 2 },
      { field: 'min_quality_score', from: 0.95, to: 1 },
      { field: 'pending_audit.sla', from: '24h', to: '1h' },
      { field: 'promotion_types', from: ['raw_to_gdp', 'gdp_to_kpi'], to: ['raw_to_gdp'] },
    ]);
  });
});
