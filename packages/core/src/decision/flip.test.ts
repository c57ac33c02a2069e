import { describe, expect, it } from 'vitest';
import { decisionCases, fixturePack } from '../../../../fixtures/decision/corpus.ts';
import { compilePack, compilePacks } from '../policy/compile.ts';
import { decide } from './decide.ts';
import { endedByTimeout } from './ended-by-timeout.ts';
import type { Facts } from './facts.ts';
import { compareCandidate } from './flip.ts';
import { buildInput } from './input.ts';

const cases = decisionCases();
const { source } = fixturePack('gdp-default');
const decided = (facts: Facts) => decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
const caseOf = (name: string) => {
  const facts = cases.find((one) => one.name === name)?.facts;
  if (facts === undefined) throw new Error(`no case ${name}`);
  return facts;
};
const compare = (facts: Facts, candidate: string, recorded = decided(facts)) =>
  compareCandidate(recorded, facts, compilePacks(facts.packs), compilePack(candidate));

const strict = source.replace('snapshot.file_count > 0', 'snapshot.file_count > 1000').replace('file_count: 3', 'file_count: 3000');

describe('a candidate pack over past decisions', () => {
  it('flips nothing when it is the pack of that time, over the whole corpus', () => {
    let compared = 0;
    for (const { name, facts } of cases) {
      const comparison = compare(facts, source);
      if (!comparison.compared) continue;
      // A pack that was pinned, and is missing or not active, is there now.
      if (facts.packs.length === 0 || !facts.policy?.packs.some(({ digest }) => digest === facts.packs[0]?.digest)) continue;
      compared += 1;
      expect([name, comparison.after]).toEqual([name, comparison.before]);
    }
    expect(compared).toBeGreaterThan(60);
  });

  it('says which rule turns which verdict', () => {
    expect(compare(caseOf('raw to gdp, everything in order'), strict)).toEqual({
      compared: true,
      before: 'allow',
      after: 'deny',
      rules: [{ code: 'rule:gdp-default/not-empty', before: 'pass', after: 'fail (rule-violated)' }],
    });
    // What was waived then is waived still.
    expect(compare(caseOf('a failing rule is waived'), strict)).toMatchObject({ before: 'allow', after: 'allow' });
    // Approvals were of the policy set of that time.
    expect(compare(caseOf('two people approved'), source.replace('version: 1.0.0', 'version: 1.0.1'))).toMatchObject({ after: 'allow' });
  });

  it('leaves alone what did not ask it, what the kernel did not decide, and what it would not decide again', () => {
    const facts = caseOf('raw to gdp, everything in order');
    expect(compare(facts, source.replace('name: gdp-default', 'name: other'))).toEqual({ compared: false, why: 'unconcerned' });
    expect(compare(facts, source, { ...decided(facts), decided_by: 'system' })).toMatchObject({ why: 'not-the-kernel' });
    expect(compare(facts, source, { ...decided(facts), decision: 'deny' })).toMatchObject({ why: 'kernel-differs' });
    const deferred = cases.find(({ expect: { decision, defer } }) => decision === 'defer' && 'freshness' in defer)?.facts as Facts;
    expect(compare(deferred, source, endedByTimeout(decided(deferred)))).toMatchObject({ before: 'deny', after: 'deny' });
  });
});
