import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isDataReason, judgeStep, type StepFacts, type StepGate } from './gate.ts';
import { detectInput } from './input/detect.ts';
import { type Requires, requiresSchema } from './requires.ts';

const root = resolve(import.meta.dirname, '../../../..');
const bytesOf = (path: string) => readFileSync(resolve(root, 'fixtures/job', path));
const facts = (files: Record<string, string | Uint8Array>, more: Partial<StepFacts> = {}): StepFacts => ({
  inputs: [
    {
      name: 'books',
      dataset_id: 'books',
      snapshot_id: 's1',
      files: Object.entries(files).map(([path, content]) => {
        const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
        return { path, detection: detectInput(bytes, bytes.length) };
      }),
    },
  ],
  signals: [],
  steps: [],
  label_asof: '2026-01-31T00:00:00Z',
  ...more,
});
const judge = (requires: Requires, given: StepFacts) => judgeStep(requiresSchema.parse(requires), given);
const good = bytesOf('invoices/good.csv');
const met = { met: true };

describe('step gating', () => {
  it('lets a step run that asks for nothing', () => {
    expect(judgeStep(undefined, facts({}))).toEqual(met);
  });

  it('goes by what files hold, not by what they are called', () => {
    const swapped = facts({ 'quotes.pdf': good, 'invoices.csv': bytesOf('quotes/good.csv') });
    expect(judge({ inputs: ['invoice', 'quote'] }, swapped)).toEqual(met);
    expect(judge({ inputs: ['quote'] }, facts({ 'quotes.csv': good }))).toMatchObject({ met: false, reason: 'input-missing' });
  });

  it('skips on wrong headers, and tells what to rename and add', () => {
    expect(judge({ inputs: ['invoice'] }, facts({ 'jan.csv': bytesOf('invoices/wrong-headers.csv') }))).toEqual({
      met: false,
      reason: 'input-wrong-headers',
      takeaway:
        "'jan.csv' looks like invoices, but the columns invoice_number and amount are missing: 'Amuont' stands where amount was expected. Nothing was inferred from it.",
      next_action:
        "In 'jan.csv', rename the column 'Amuont' to amount and add the column invoice_number, then take a new snapshot and submit the job with it.",
    });
  });

  it('does not let a good file make up for a broken one of the same kind', () => {
    const files = { 'jan.csv': good, 'feb.csv': 'Invoice No,Date,Vendor\n1,2,3\n' };
    expect(judge({ inputs: ['invoice'] }, facts(files))).toMatchObject({
      reason: 'input-wrong-headers',
      takeaway: expect.stringContaining("'feb.csv' looks like invoices, but the column amount is missing"),
    });
    // A table of something else, an empty month and a note beside it break nothing.
    const beside = { 'jan.csv': good, 'payments.csv': 'payment_id,date,vendor,amount\n1,2,3,4\n', 'feb.csv': '', 'note.txt': 'hello' };
    expect(judge({ inputs: ['invoice'] }, facts(beside))).toEqual(met);
  });

  it('skips on data that is not there yet', () => {
    for (const path of ['invoices/empty.csv', 'invoices/header-only.csv']) {
      expect(judge({ inputs: ['invoice'] }, facts({ 'x.csv': bytesOf(path) }))).toMatchObject({ met: false, reason: 'input-empty' });
    }
    expect(judge({ inputs: ['invoice'] }, facts({}))).toMatchObject({ reason: 'input-missing' });
  });

  it('asks for signals of earlier steps: none and zero are unmet', () => {
    const signal = (count: number) => ({ name: 'findings', step: 'detect', digest: `sha256:${'a'.repeat(64)}`, count });
    const requires: Requires = { inputs: ['invoice'], signals: 'findings' };
    expect(judge(requires, facts({ a: good }))).toMatchObject({ reason: 'signal-missing' });
    expect(judge(requires, facts({ a: good }, { signals: [signal(0)] }))).toMatchObject({ reason: 'signal-empty' });
    expect(judge(requires, facts({ a: good }, { signals: [signal(1)] }))).toEqual(met);
    // The newest of a name counts.
    expect(judge(requires, facts({ a: good }, { signals: [signal(3), signal(0)] }))).toMatchObject({ reason: 'signal-empty' });
    expect(judge({ signals: ['findings', 'other'] }, facts({}, { signals: [signal(1)] }))).toMatchObject({ reason: 'signal-missing' });
  });

  it('asks a condition over inputs, signals, steps and label_asof', () => {
    const given = facts(
      { a: good },
      {
        signals: [{ name: 'findings', step: 'detect', digest: `sha256:${'a'.repeat(64)}`, count: 3 }],
        steps: [{ step: 'detect', status: 'success', exit_code: 0 }],
      },
    );
    const holds = [
      "inputs.exists(i, i.name == 'books' && 'invoice' in i.kinds && i.file_count == 1)",
      "signals.exists(s, s.name == 'findings' && s.count >= 3)",
      "steps.all(s, s.status == 'success')",
      "timestamp(label_asof) < timestamp('2026-02-01T00:00:00Z')",
    ];
    for (const when of holds) expect(judge({ when }, given)).toEqual(met);
    expect(judge({ when: 'signals.size() > 1' }, given)).toMatchObject({ reason: 'when-not-met' });
    expect(judge({ when: 'steps[7].exit_code == 0' }, given)).toMatchObject({ met: false, reason: 'when-unknown' });
    expect(judge({ when: 'label_asof' }, given)).toMatchObject({ met: false, reason: 'when-unknown' });
  });

  it('refuses conditions over anything else when the job is written', () => {
    const messages = (requires: unknown) =>
      requiresSchema.safeParse(requires).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    expect(messages({ when: 'now > 3' })).toEqual(["when: there is no 'now'"]);
    expect(messages({ when: 'inputs.exists(i, i.bytes > 3)' })).toEqual([
      "when: there is no field 'bytes' (there are: name, dataset_id, snapshot_id, kinds, file_count)",
    ]);
    expect(messages({ when: 'inputs.' })?.[0]).toMatch(/^when: not CEL/);
    expect(messages({ inputs: ['receipt'] })?.[0]).toContain('invoice, quote');
    expect(messages({ inputs: [] })).toHaveLength(1);
    expect(messages({ files: ['a'] })).toHaveLength(1);
  });

  it('asks in order, and gives one answer', () => {
    const everything: Requires = { inputs: ['quote'], signals: 'findings', when: 'false' };
    expect(judge(everything, facts({}))).toMatchObject({ reason: 'input-missing' });
    expect(judge({ ...everything, inputs: undefined }, facts({}))).toMatchObject({ reason: 'signal-missing' });
  });

  it('stays calm: what is, no blame, no forecast, one thing to do', () => {
    const hostile = `in\u001b[31mvoice\u202e\n'${'x'.repeat(500)}'.csv`;
    const contents: (string | Uint8Array)[] = [
      bytesOf('invoices/wrong-headers.csv'),
      bytesOf('quotes/wrong-headers.csv'),
      '',
      'Invoice No,Date,Vendor,Amount\n',
      Uint8Array.from([0x50, 0x4b, 3, 4]),
      'Title\nInvoice No,Date,Vendor,Amount\n1,2,3,4\n',
      `${hostile.replaceAll('\n', ' ')},b\n1,2\n`,
      '2026-01-01,4\n',
    ];
    const answers: StepGate[] = contents.flatMap((content) => [
      judge({ inputs: ['invoice'] }, facts({ [hostile]: content })),
      judge({ inputs: ['quote'] }, facts({ [hostile]: content })),
    ]);
    answers.push(
      judge({ signals: 'a' }, facts({})),
      judge({ when: 'false' }, facts({})),
      judge({ when: 'steps[0].step == ""' }, facts({})),
    );
    for (const answer of answers) {
      if (answer.met) throw new Error('it should be unmet');
      for (const text of [answer.takeaway, answer.next_action]) {
        expect(text).toMatch(/^[\p{Lu}'].*\.$/u);
        expect(text.length).toBeLessThan(420);
        expect(text).not.toMatch(/[\p{C}!]|\b(error|fail|fatal|invalid|wrong|bad|illegal|you must|will|forecast|predict|trend)/iu);
      }
      expect(answer.next_action.match(/\. /g)).toBeNull();
      expect(isDataReason(answer.reason)).toBe(answer.reason.startsWith('input'));
    }
    expect(isDataReason('exit code 1')).toBe(false);
    expect(isDataReason(undefined)).toBe(false);
  });
});
