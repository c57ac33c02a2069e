import type { ReconcileFinding } from '@govctl/core/api';
import { expect, it } from 'vitest';
import { Findings } from './findings.ts';

const finding = (check: string, n: number): ReconcileFinding => ({
  class: check === 'audit' ? 'missing' : 'world',
  check,
  severity: 'high',
  subject: `run/${n}`,
  expected: 'x',
  observed: 'y',
  age_s: null,
  fix: null,
});

it('findings are all counted, and of each check a readable number is kept: many of one hide none of another', () => {
  const findings = new Findings();
  for (let n = 0; n < 100_000; n += 1) findings.add(finding('audit', n));
  findings.addAll([finding('lock', 1), finding('outbox', 2)]);
  expect(findings.by_class).toEqual({ missing: 100_000, world: 2 });
  expect(findings.kept.map(({ check }) => check).filter((check) => check !== 'audit')).toEqual(['lock', 'outbox']);
  expect(findings.count).toBe(100_002);
  expect(findings.kept.length + findings.left_out).toBe(100_002);
  expect(findings.kept.length).toBeLessThan(5000);
});
