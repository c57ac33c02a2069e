import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { buildInput, decide, type GateAnswer } from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import { importJunit } from '@govctl/core/quality';
import { decisionCases } from '@govctl/fixtures/decision/corpus.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateRenderings, reportRenderings } from './gate-report.ts';

type Judged = Parameters<typeof gateRenderings>[0];

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

type Sarif = {
  $schema: string;
  version: string;
  runs: {
    tool: { driver: { name: string; version: string; rules: { id: string }[] } };
    results: {
      ruleId: string;
      ruleIndex: number;
      kind: string;
      level: string;
      message: { text: string };
      locations: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } }; logicalLocations: object[] }[];
      partialFingerprints: Record<string, string>;
      properties: { outcome: string };
    }[];
  }[];
};
const sarifOf = (one: Judged) => JSON.parse(gateRenderings(one).sarif()) as Sarif;
const blns = resolve(process.env.GOVCTL_VECTORS ?? resolve(import.meta.dirname, '../../../../../shared/vectors'), 'blns/blns.json');
const naughty = existsSync(blns)
  ? (JSON.parse(readFileSync(blns, 'utf8')) as string[])
  : ['\u001b[31m', '%0A::error::x', '\r\n::set-output', '\ud800', ''];

describe('a decision as SARIF', () => {
  it('has one result a gate; only what blocks has a level', () => {
    for (const one of judged) {
      const { version, runs } = sarifOf(one);
      expect(version).toBe('2.1.0');
      const [run] = runs;
      expect(run?.results.map(({ ruleId, ruleIndex }) => [ruleId, run.tool.driver.rules[ruleIndex]?.id])).toEqual(
        one.gates.map(({ code }) => [code, code]),
      );
      for (const [index, { kind, level, properties }] of (run?.results ?? []).entries()) {
        const outcome = one.gates[index]?.outcome;
        expect(properties.outcome).toBe(outcome);
        expect(level).toBe(outcome === 'fail' ? 'error' : outcome === 'defer' ? 'warning' : 'none');
        expect(kind).toBe(level !== 'none' ? 'fail' : outcome === 'pass' ? 'pass' : 'notApplicable');
      }
    }
  });

  // What the published schema asks of what is used here; the schema itself is not ours to copy.
  it('has the members of the schema, well-formed text, and a place and a fingerprint that are unique in it', () => {
    fc.assert(
      fc.property(anyJudged, fc.oneof(nasty, fc.constantFrom(...naughty)), (one, text) => {
        const { $schema, runs, ...rest } = sarifOf(withText(one, text));
        expect($schema).toMatch(/sarif-schema-2\.1\.0\.json$/);
        expect(Object.keys(rest)).toEqual(['version']);
        for (const { tool, results } of runs) {
          expect(tool.driver.name).toBe('govctl');
          const ids = tool.driver.rules.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          expect(new Set(results.map(({ partialFingerprints }) => partialFingerprints['gate/v1'])).size).toBe(ids.length);
          for (const { message, locations } of results) {
            expect(message.text.isWellFormed()).toBe(true);
            expect(locations[0]?.physicalLocation.artifactLocation.uri).toMatch(/^[\w.~!*'()%/-]+$/);
            expect(locations[0]?.physicalLocation.region.startLine).toBe(1);
          }
        }
      }),
    );
  });
});

describe('a decision as workflow commands', () => {
  const readBack = (text: string) => text.replace(/%(0D|0A|3A|2C|25)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

  it('is one line an answer that blocks, and no text can start another', () => {
    fc.assert(
      fc.property(anyJudged, fc.oneof(nasty, fc.constantFrom(...naughty)), (one, text) => {
        const lines = gateRenderings(withText(one, text))
          .github()
          .split(/\r\n|\r|\n/);
        const blocking = one.gates.filter(({ outcome }) => outcome === 'fail' || outcome === 'defer');
        expect(lines.pop()).toBe('');
        expect(lines.length).toBe(Math.max(1, blocking.length));
        for (const line of lines) {
          expect(line).toMatch(/^::(error|warning|notice) title=[^:,]+::/);
          expect(line.isWellFormed()).toBe(true);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
          expect(line).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
        }
      }),
    );
  });

  it('is read back as it was meant: %, line ends, : and , in their places', () => {
    const text = '100%: a,b\r\n::error file=x::%0A';
    const [one] = judged.filter(({ gates }) => gates.some(({ outcome }) => outcome === 'fail'));
    if (one === undefined) throw new Error('no case fails');
    const gates = one.gates
      .filter(({ outcome }) => outcome === 'fail')
      .map((gate) => ({ ...gate, reason: text, reason_code: text, resolve: null }));
    const [, command, title, message] =
      /^::(\w+) title=(.*?)::(.*)\n/.exec(gateRenderings({ ...one, gates: gates.slice(0, 1) }).github()) ?? [];
    expect([command, readBack(title ?? ''), readBack(message ?? '')]).toEqual(['error', `${gates[0]?.code} (${text})`, text]);
  });
});

describe('a report of several, or of none', () => {
  const [one] = judged;
  if (one === undefined) throw new Error('no case');

  it('has a suite and a run for each', () => {
    const report = { subject: ['a', 'b'], judged_at: null, answers: one.gates };
    const both = reportRenderings([report, { ...report, subject: ['a', 'c'] }]);
    expect((JSON.parse(both.sarif()) as Sarif).runs).toHaveLength(2);
    expect(importJunit(both.junit()).checks).toHaveLength(2 * one.gates.length);
    expect(both.junit()).toMatch(/<testsuite name="a&#47;c"|<testsuite name="a\/c"/);
  });

  it('that decided nothing is open: nowhere does silence look like a pass', () => {
    const none = gateRenderings({ ...one, gates: [] });
    expect(importJunit(none.junit()).checks).toMatchObject([{ name: 'decision', status: 'failed' }]);
    expect((JSON.parse(none.sarif()) as Sarif).runs[0]?.results).toMatchObject([{ ruleId: 'decision', level: 'warning' }]);
    expect(none.github()).toBe('::warning title=decision (undecided)::nothing was decided yet\n');
  });
});
