import { describe, expect, it } from 'vitest';
import { decisionCases } from '../../../../fixtures/decision/corpus.ts';
import { parity } from './parity.ts';

const side = { kernel_version: '1', policy_rev: 'sha256:p', input_digest: 'sha256:i', decision_digest: 'sha256:d' };

describe('parity', () => {
  it('is exact only when everything is equal', () => {
    expect(parity(side, { ...side })).toEqual({ tag: 'exact', differs: [] });
  });

  it.each([
    ['kernel-skew', { kernel_version: '2', policy_rev: 'sha256:q' }, 'kernel_version: 1 here, 2 there'],
    ['policy-skew', { policy_rev: null, input_digest: 'sha256:j' }, 'policy_rev: sha256:p here, null there'],
    ['facts-skew', { input_digest: 'sha256:j', decision_digest: 'sha256:e' }, 'input_digest'],
    ['kernel-skew', { decision_digest: 'sha256:e' }, 'decision_digest'],
  ] as const)('%s names what differs', (tag, change, named) => {
    expect(parity(side, { ...side, ...change })).toEqual({ tag, differs: [named] });
  });

  it('names the facts that differ, and not the sources of packs', () => {
    const [first] = decisionCases();
    if (first === undefined) throw new Error('an empty corpus');
    const { facts } = first;
    const packs = facts.packs.map(({ source: _, ...pack }) => pack);
    const other = {
      ...facts,
      packs,
      ospa_count: 3,
      checks: facts.checks.map((check, index) => (index === 1 ? { ...check, status: 'failed' as const } : check)),
    };
    expect(parity({ ...side, facts }, { ...side, input_digest: 'sha256:j', facts: other })).toEqual({
      tag: 'facts-skew',
      differs: ['/checks/1/status', '/ospa_count'],
    });
  });
});
