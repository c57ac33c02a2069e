import { describe, expect, it } from 'vitest';
import { decisionCases } from '../../../../fixtures/decision/corpus.ts';
import { compilePacks } from '../policy/compile.ts';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import { buildInput } from './input.ts';

const explanations = new Map(
  decisionCases().map(({ name, facts }) => {
    const body = decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
    return [name, { body, explanation: explain(body) }] as const;
  }),
);

describe('explain', () => {
  it('puts every answer in exactly one place', () => {
    for (const { body, explanation } of explanations.values()) {
      const { denied_by, waiting_on, warnings, passed, not_required } = explanation;
      const placed = [denied_by, waiting_on, warnings, passed, not_required].flat().map(({ code }) => code);
      expect(placed.toSorted()).toEqual(body.gates.map(({ code }) => code).toSorted());
    }
  });

  it('names a next command for whatever is not allowed, and none for what is', () => {
    for (const [name, { explanation }] of explanations) {
      expect([name, explanation.next.length > 0]).toEqual([name, explanation.decision !== 'allow']);
    }
  });

  it('says in one sentence what denies and what would still be waited for', () => {
    const both = explanations.get('a deny outweighs every defer')?.explanation;
    expect(both?.summary).toBe('orders RAW -> GDP: denied by quality; would also wait for single-writer, coverage, ospa, freshness');
    expect(explanations.get('another run holds the target')?.explanation.summary).toBe('orders RAW -> GDP: waits for single-writer');
  });

  it('says of a wait that ran out that time decided, and what was waited for', () => {
    const waited = explanations.get('another run holds the target')?.body;
    if (waited === undefined) throw new Error('the corpus lost a case');
    const { summary } = explain({ ...waited, decision: 'deny', decided_by: 'timeout' });
    expect(summary).toBe('orders RAW -> GDP: denied because the time to wait ran out; it waited for single-writer');
  });

  it('shows rules that warn, and those not yet in force, as warnings', () => {
    const codes = (name: string) => explanations.get(name)?.explanation.warnings.map(({ reason_code }) => reason_code);
    expect(codes('a rule only warns')).toEqual(['rule-warning']);
    expect(codes('a rule not yet in force, and one that asks for fresher evidence')).toContain('rule-not-yet-effective');
  });
});
