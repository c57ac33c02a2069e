import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideMidRun,
  decisionOfViolation,
  defaultMidRun,
  type MidRunFacts,
  midRunChecker,
  midRunDecisions,
  overBudget,
  violationsOf,
  violationTypes,
} from './mid-run.ts';

const limits = { steps: 20, seconds: 600, cost_units: 100 };
const calm: MidRunFacts = {
  stop_requested: null,
  tenant_suspended: null,
  packs_at_start: ['sha256:a'],
  packs_now: ['sha256:a', 'sha256:b'],
  limits_at_start: limits,
  limits_now: limits,
  used: { steps: 1, seconds: 10, cost_units: 5 },
};
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 20) + seconds * 1000).toISOString();

describe("the source's ten checks of the mid-run checker (11.2)", () => {
  it('1 configuration: on, and every 30 seconds', () => {
    expect(defaultMidRun).toEqual({ enabled: true, interval_ms: 30_000 });
  });

  it('2 a checker is made, and remembers nothing yet', () => {
    expect(midRunChecker().size).toBe(0);
  });

  it('3 four decisions', () => {
    expect(midRunDecisions).toEqual(['CONTINUE', 'PAUSE', 'TERMINATE', 'SKIP']);
  });

  it('4 every violation type the source names, each with its decision', () => {
    expect(Object.keys(decisionOfViolation).sort()).toEqual([...violationTypes].sort());
    expect([...violationTypes].sort()).toEqual(['BUDGET_EXCEEDED', 'LIMIT_CHANGED', 'MANUAL_STOP', 'POLICY_DISABLED', 'TENANT_SUSPENDED']);
  });

  it('5 a violation says what was found', () => {
    expect(violationsOf({ ...calm, used: { ...calm.used, cost_units: 101 } })).toEqual([
      { type: 'BUDGET_EXCEEDED', detail: '101 cost units used, 100 allowed' },
    ]);
    expect(violationsOf({ ...calm, packs_now: ['sha256:b'] })).toEqual([{ type: 'POLICY_DISABLED', detail: 'no longer active: sha256:a' }]);
    expect(violationsOf({ ...calm, limits_now: { ...limits, steps: null } })).toEqual([
      { type: 'LIMIT_CHANGED', detail: 'steps 20 -> unlimited' },
    ]);
  });

  it('6 a result says whether to continue', async () => {
    const found = await midRunChecker().check_before_step('r', at(0), async () => calm);
    expect(found).toEqual({
      decision: 'CONTINUE',
      reason: 'nothing speaks against the next step',
      violations: [],
      should_continue: true,
      looked: true,
    });
    const stopped = await midRunChecker().check_before_step('r', at(0), async () => ({ ...calm, stop_requested: 'stopped by HUMAN::ada' }));
    expect(stopped).toMatchObject({ decision: 'TERMINATE', should_continue: false, reason: 'MANUAL_STOP: stopped by HUMAN::ada' });
  });

  it('7 disabled: SKIP, without looking, and the run goes on', async () => {
    const checker = midRunChecker({ ...defaultMidRun, enabled: false });
    const result = await checker.check_before_step('r', at(0), () => Promise.reject(new Error('looked')));
    expect(result).toMatchObject({ decision: 'SKIP', should_continue: true, looked: false });
  });

  it('8 interval: at most one look in 30 s a run, CONTINUE in between', async () => {
    const checker = midRunChecker();
    let looks = 0;
    const look = async () => {
      looks += 1;
      return { ...calm, tenant_suspended: looks === 1 ? null : 'suspended' };
    };
    const answers = [];
    for (const seconds of [0, 1, 29, 30]) answers.push((await checker.check_before_step('r', at(seconds), look)).decision);
    expect(answers).toEqual(['CONTINUE', 'CONTINUE', 'CONTINUE', 'TERMINATE']);
    await checker.check_before_step('another', at(30), look);
    expect(looks).toBe(3);
  });

  it.each([
    ['none', [], 'CONTINUE'],
    ['BUDGET_EXCEEDED', ['BUDGET_EXCEEDED'], 'TERMINATE'],
    ['POLICY_DISABLED', ['POLICY_DISABLED'], 'PAUSE'],
    ['MANUAL_STOP', ['MANUAL_STOP'], 'TERMINATE'],
    ['TENANT_SUSPENDED', ['TENANT_SUSPENDED'], 'TERMINATE'],
    ['LIMIT_CHANGED', ['LIMIT_CHANGED'], 'PAUSE'],
    ['the most severe of several', ['LIMIT_CHANGED', 'POLICY_DISABLED', 'MANUAL_STOP'], 'TERMINATE'],
  ] as const)('9 decision: %s', (_name, types, decision) => {
    expect(decideMidRun(types.map((type) => ({ type, detail: '' }))).decision).toBe(decision);
  });

  it('10 clear_run_state: the next step is looked at again', async () => {
    const checker = midRunChecker();
    await checker.check_before_step('r', at(0), async () => calm);
    checker.clear_run_state('r');
    expect(checker.size).toBe(0);
    expect((await checker.check_before_step('r', at(1), async () => calm)).looked).toBe(true);
  });
});

describe('a mid-run check', () => {
  it('looks when the clock was moved back, and again after a look that failed', async () => {
    const checker = midRunChecker();
    await checker.check_before_step('r', at(3600), async () => calm);
    await expect(checker.check_before_step('r', at(0), () => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
    expect((await checker.check_before_step('r', at(1), async () => calm)).looked).toBe(true);
  });

  it('decides by the worst violation, in whatever order they are found', () => {
    const one = fc.constantFrom(...violationTypes).map((type) => ({ type, detail: '' }));
    fc.assert(
      fc.property(fc.array(one), (violations) => {
        const wanted = violations.map(({ type }) => decisionOfViolation[type]);
        expect(decideMidRun(violations).decision).toBe(
          wanted.includes('TERMINATE') ? 'TERMINATE' : wanted.includes('PAUSE') ? 'PAUSE' : 'CONTINUE',
        );
      }),
    );
  });

  it('lets a limit be reached, and not passed; no limit is never passed', () => {
    expect(overBudget(limits, { steps: 20, seconds: 600, cost_units: 100 })).toEqual([]);
    expect(overBudget(limits, { steps: 21, seconds: 601, cost_units: 101 }).map(({ type }) => type)).toEqual(
      Array(3).fill('BUDGET_EXCEEDED'),
    );
    expect(overBudget({ steps: null, seconds: null, cost_units: null }, { steps: 1e9, seconds: 1e9, cost_units: 1e9 })).toEqual([]);
  });
});
