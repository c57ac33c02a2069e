import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Crossed, crossedLimits, crossedOf, withCrossed } from './threshold.ts';

it('tells of 80 and 100 hundredths of a limit, each once', () => {
  expect(crossedOf('cost_units', 79, 100)).toEqual([]);
  expect(crossedOf('cost_units', 80, 100)).toEqual([{ threshold: 'cost_units:80', risk_level: 'elevated', value: 80, limit: 100 }]);
  expect(crossedOf('cost_units', 100, 100, ['cost_units:80'])).toMatchObject([{ threshold: 'cost_units:100', risk_level: 'high' }]);
  expect(crossedLimits({ steps: 10, seconds: null, cost_units: 0 }, { steps: 9, seconds: 1e9, cost_units: 5 })).toMatchObject([
    { threshold: 'steps:80' },
  ]);
});

it('a run that went on using never becomes less risky, and hears of nothing twice', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 })), (uses) => {
      let state: { risk_level?: 'normal' | 'elevated' | 'high'; thresholds?: readonly string[] } = {};
      let used = 0;
      const told: Crossed[] = [];
      for (const use of uses) {
        used += use;
        const crossed = crossedOf('steps', used, 100, state.thresholds);
        told.push(...crossed);
        state = withCrossed(state, crossed);
      }
      expect(new Set(told.map(({ threshold }) => threshold)).size).toBe(told.length);
      expect(state.risk_level ?? 'normal').toBe(used >= 100 ? 'high' : used >= 80 ? 'elevated' : 'normal');
    }),
  );
});
