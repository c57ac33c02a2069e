import { describe, expect, it } from 'vitest';
import { decisionCases } from '../../../../fixtures/decision/corpus.ts';
import type { Facts } from './facts.ts';
import { movedBetween, stateDigest } from './state.ts';

const cases = decisionCases();
const base = cases[0]?.facts as Facts;

describe('what a plan relies on', () => {
  it('is the same when only time, the asker and the tail went on', () => {
    const later: Facts = {
      ...base,
      as_of: '2026-11-21T12:10:00.000Z',
      request: { ...base.request, grants: [], actor: { ...base.request.actor, authenticated_by: 'api-key:k2' } },
      packs: base.packs.map(({ source: _source, ...pack }) => pack),
    };
    expect(stateDigest(later)).toBe(stateDigest(base));
    expect(movedBetween(base, later)).toEqual([]);
  });

  it('moves with every other fact, and says which, before and after', () => {
    const pointer = {
      generation: 7,
      snapshot_id: 's7',
      snapshot_hash: `sha256:${'7'.repeat(64)}`,
      decision_ref: 'r',
      moved_at: base.as_of,
    };
    const others: [what: string, after: string, facts: Facts][] = [
      ['ACTIVE generation of GDP', '7 (s7)', { ...base, pointers: { ...base.pointers, to: pointer } }],
      ['checks', 'none', { ...base, checks: [] }],
      ['contract', 'none', { ...base, contract: null }],
      ['policy', 'none', { ...base, policy: null }],
      ['lock', 'held by run-9', { ...base, lock: { holder: 'run-9', fence: 1, expires_at: base.as_of } }],
      ['kernel_version', '99', { ...base, kernel_version: '99' }],
    ];
    for (const [what, after, facts] of others) {
      expect(stateDigest(facts)).not.toBe(stateDigest(base));
      expect(movedBetween(base, facts)).toMatchObject([{ what, after }]);
    }
  });

  it('names something wherever the digests of two corpus cases differ, and nothing where not', () => {
    for (const { facts: a } of cases.slice(0, 40)) {
      for (const { facts: b } of cases.slice(0, 40)) expect(movedBetween(a, b).length > 0).toBe(stateDigest(a) !== stateDigest(b));
    }
  });
});
