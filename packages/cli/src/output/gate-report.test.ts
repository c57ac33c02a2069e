import { buildInput, decide, type GateAnswer } from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import { importJunit } from '@govctl/core/quality';
import { decisionCases } from '@govctl/fixtures/decision/corpus.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateRenderings, type Judged } from './gate-report.ts';

const judged = decisionCases().map(({ facts }): Judged => decide(buildInput(facts), compilePacks(facts.packs), facts.as_of));
const anyJudged = fc.constantFrom(...judged);
const nasty = fc.string({ unit: 'binary', maxLength: 60 });

function withText(one: Judged, text: string): Judged {
  const gates = one.gates.map((gate): GateAnswer => ({ ...gate, reason: text, resolve: { who: text, command: text } }));
  return { ...one, gates, subject: { ...one.subject, snapshot_id: text } };
}

describe('a decision as JUnit', () => {
  const statuses = { pass: 'passed', fail: 'failed', defer: 'failed', not_required: 'skipped' } as const;

  it('is read back by a reader of JUnit, case by case, whatever people wrote', () => {
    fc.assert(
      fc.property(anyJudged, nasty, (one, text) => {
        const { checks } = importJunit(gateRenderings(withText(one, text)).junit());
        expect(checks.map(({ name, status }) => [name, status])).toEqual(one.gates.map(({ code, outcome }) => [code, statuses[outcome]]));
        expect(new Set(checks.map(({ ran_at }) => ran_at))).toEqual(new Set([one.valid_from]));
      }),
    );
  });
});

describe('a decision as SARIF', () => {
  it('has one result a gate; only what blocks has a level', () => {
    for (const one of judged) {
      const { version, runs } = JSON.parse(gateRenderings(one).sarif()) as {
        version: string;
        runs: {
          tool: { driver: { rules: { id: string }[] } };
          results: { ruleId: string; ruleIndex: number; kind: string; level: string }[];
        }[];
      };
      expect(version).toBe('2.1.0');
      const [run] = runs;
      expect(run?.results.map(({ ruleId, ruleIndex }) => [ruleId, run.tool.driver.rules[ruleIndex]?.id])).toEqual(
        one.gates.map(({ code }) => [code, code]),
      );
      for (const [index, { kind, level }] of (run?.results ?? []).entries()) {
        const outcome = one.gates[index]?.outcome;
        expect(level).toBe(outcome === 'fail' ? 'error' : outcome === 'defer' ? 'warning' : 'none');
        expect(kind === 'fail').toBe(level !== 'none');
      }
    }
  });
});

describe('a decision as workflow commands', () => {
  it('is one line an answer that blocks, and no text can start another', () => {
    fc.assert(
      fc.property(anyJudged, nasty, (one, text) => {
        const lines = gateRenderings(withText(one, text)).github().split('\n');
        const blocking = one.gates.filter(({ outcome }) => outcome === 'fail' || outcome === 'defer');
        expect(lines.pop()).toBe('');
        expect(lines.length).toBe(Math.max(1, blocking.length));
        for (const line of lines) expect(line).toMatch(/^::(error|warning|notice) title=[^:,]+::/);
      }),
    );
  });
});
