import type { GateAnswer } from '@govctl/core/decision';
import { describe, expect, it } from 'vitest';
import { createPaint } from '../paint.ts';
import { ageText } from './age.ts';
import { answerLines, countText } from './gate-answer.ts';

const answer = (change: Partial<GateAnswer> = {}): GateAnswer => ({
  code: 'quality',
  outcome: 'fail',
  reason_code: 'quality-failed',
  reason: 'unique_orders_id is failed',
  expected: 'required checks passed, score >= 0.95',
  actual: '1 of 2 passed, score 0.5',
  evidence: [{ ref: 'check:unique_orders_id', digest: `sha256:${'a'.repeat(64)}`, age: 7500 }],
  resolve: { who: 'whoever tests the data', command: 'govctl quality import dbt run_results.json --snapshot S' },
  ...change,
});
const plain = await createPaint(false);

describe('answerLines', () => {
  it('shows of what fails: reason, expected, found, evidence with its age, and the mend', () => {
    expect(answerLines([answer()], plain, { full: false })).toBe(
      [
        '  fail       quality  unique_orders_id is failed',
        '             expected  required checks passed, score >= 0.95',
        '             found     1 of 2 passed, score 0.5',
        `             evidence  check:unique_orders_id, sha256:${'a'.repeat(64)}, 2h 5m old`,
        '             fix       govctl quality import dbt run_results.json --snapshot S   (whoever tests the data)',
        '',
      ].join('\n'),
    );
  });

  it('keeps what passes short, unless all is asked for', () => {
    const passed = answer({ outcome: 'pass', reason: '2 of 2 checks passed', expected: 1, actual: 1, resolve: null });
    expect(answerLines([passed], plain, { full: false })).toBe('  pass       quality  2 of 2 checks passed\n             found     1\n');
    const all = answerLines([{ ...passed, asks: 'Are they there?' }], plain, { full: true });
    expect(all).toContain('asked     Are they there?');
    expect(all).toContain('evidence  check:unique_orders_id');
  });

  it('shows one mend of many troubles once, and points to it', () => {
    const text = answerLines([answer(), answer({ code: 'freshness', outcome: 'defer' })], plain, { full: false });
    expect(text.match(/govctl quality import/g)).toHaveLength(1);
    expect(text).toContain('fix       the same as for quality');
  });

  it('says of a dry run that nothing can be done to it before it is asked for', () => {
    const resolve = { who: 'a person', command: 'govctl promotion approve run-1 --reason TEXT' };
    const awaited = answer({ outcome: 'defer', resolve });
    expect(answerLines([awaited], plain, { full: false, dry_run: 'run-1' })).toContain(
      `fix       ask without --dry-run, then ${resolve.command}`,
    );
    expect(answerLines([awaited], plain, { full: false, dry_run: 'run-2' })).toContain(`fix       ${resolve.command}`);
  });

  it('tells a rule that warns from one that was not asked', () => {
    const idle = answer({ outcome: 'not_required', expected: null, actual: null, evidence: [] });
    expect(answerLines([idle], plain, { full: false })).toMatch(/^ {2}warns {6}quality .*\n +fix /);
    expect(answerLines([{ ...idle, resolve: null }], plain, { full: false })).toBe('  not asked  quality  unique_orders_id is failed\n');
  });

  it('tells zero, empty and false from nothing', () => {
    const found = (actual: GateAnswer['actual']) => answerLines([answer({ expected: 3, actual })], plain, { full: false });
    expect(found(0)).toContain('found     0\n');
    expect(found(false)).toContain('found     false\n');
    expect(found(null)).toContain('found     nothing\n');
  });

  it('does not let a name paint the terminal or make up a line', () => {
    const hostile = answer({ reason: 'x\u001b[2J\n  pass       quality  all is well', actual: '\u202edesrever' });
    const text = answerLines([hostile], plain, { full: false });
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u202e');
    expect(text.split('\n').filter((line) => line.startsWith('  pass'))).toEqual([]);
  });

  it('says in words what colour says', async () => {
    const answers = [
      answer(),
      answer({ code: 'a', outcome: 'pass' }),
      answer({ code: 'b', outcome: 'defer' }),
      answer({ code: 'c', outcome: 'not_required' }),
    ];
    const colored = answerLines(answers, await createPaint(true), { full: true });
    const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
    expect(colored).toMatch(ansi);
    expect(colored.replace(ansi, '')).toBe(answerLines(answers, plain, { full: true }));
    expect(countText(answers)).toBe('1 pass, 1 fail, 1 defer, 1 not asked');
  });
});

describe('ageText', () => {
  it.each([
    [0, '0s'],
    [-5, '0s'],
    [59.9, '59s'],
    [60, '1m'],
    [125, '2m 5s'],
    [3600, '1h'],
    [90_061, '1d 1h'],
    [86_400 * 400, '400d'],
  ])('%d seconds are %s', (seconds, text) => expect(ageText(seconds)).toBe(text));
});
