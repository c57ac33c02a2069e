import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeStep, type StepFacts } from './gate.ts';
import { detectInput } from './input/detect.ts';
import { jobFileSchema } from './job-file.ts';
import { plannedNextAction, planSteps } from './planned-step.ts';

const bytesOf = (path: string) => readFileSync(resolve(import.meta.dirname, '../../../../fixtures/job', path));
const seenIn = (fixture: string) => {
  const bytes = bytesOf(fixture);
  return [
    { name: 'books', dataset_id: 'books', snapshot_id: 's1', files: [{ path: 'jan.csv', detection: detectInput(bytes, bytes.length) }] },
  ];
};
const jobOf = (steps: readonly object[]) =>
  jobFileSchema.parse({
    apiVersion: 'govctl/v1',
    kind: 'Job',
    workspace: 'acme',
    label_asof: '2026-01-31T00:00:00Z',
    inputs: [{ name: 'books', dataset_id: 'books', snapshot_id: 's1', snapshot_hash: `sha256:${'0'.repeat(64)}` }],
    policy_packs: ['jobs-default'],
    steps: steps.map((step, index) => ({ name: `s${index}`, command: ['true'], ...step })),
  });
const plan = (fixture: string, ...steps: readonly object[]) => planSteps(jobOf(steps), { seen: seenIn(fixture), unseen: [] });
const woulds = (fixture: string, ...steps: readonly object[]) =>
  plan(fixture, ...steps).map(({ would, depends_on }) => depends_on ?? would);

describe('a job that was not started', () => {
  const detect = { requires: { inputs: ['invoice'] } };
  const infer = { requires: { inputs: ['invoice'], signals: 'findings' } };

  it('would run what its data allows, and what needs a signal depends on who may leave it', () => {
    expect(woulds('invoices/good.csv', {}, detect, infer)).toEqual(['run', 'run', 'signal findings']);
    expect(woulds('invoices/good.csv', infer, detect)).toEqual(['skip', 'run']);
  });

  it.each([
    ['invoices/wrong-headers.csv', 'input-wrong-headers', "rename the column 'Amuont' to amount"],
    ['invoices/empty.csv', 'input-empty', "Export the invoices to 'jan.csv' again"],
    ['invoices/header-only.csv', 'input-empty', "Export the invoices to 'jan.csv' again"],
    ['quotes/good.csv', 'input-missing', 'Pin an input with invoices'],
  ])('would skip inference on %s, and says the one thing to do', (fixture, reason, next) => {
    const planned = plan(fixture, {}, detect, infer);
    expect(planned.map(({ would }) => would)).toEqual(['run', 'skip', 'skip']);
    expect(planned[1]).toMatchObject({ reason, takeaway: expect.stringContaining('Nothing was inferred') });
    expect(plannedNextAction(planned)).toContain(next);
  });

  it('knows of conditions what can be known', () => {
    const ran = { requires: { when: "steps.exists(s, s.step == 's0' && s.status == 'success')" } };
    const left = { requires: { when: 'signals.size() > 0' } };
    expect(woulds('invoices/good.csv', {}, ran, left)).toEqual(['run', 'run', 'its condition']);
    expect(woulds('invoices/good.csv', {}, { requires: { signals: 'x' } }, { requires: { when: 'steps.size() == 2' } })).toEqual([
      'run',
      'signal x',
      'its condition',
    ]);
    expect(woulds('quotes/good.csv', detect, ran)).toEqual(['skip', 'skip']);
  });

  it('says nothing of steps that ask for data nobody looked at', () => {
    const job = jobOf([{}, detect, { requires: { when: 'inputs.size() > 0' } }]);
    const planned = planSteps(job, { seen: [], unseen: ['books'] });
    expect(planned.map(({ would, depends_on }) => depends_on ?? would)).toEqual([
      'run',
      'input books, not looked at',
      'input books, not looked at',
    ]);
    expect(plannedNextAction(planned)).toBeNull();
  });

  it('never promises what the run then does otherwise, whatever its steps leave', () => {
    const asked = fc.record(
      {
        inputs: fc.constantFrom(['invoice'], ['quote']),
        signals: fc.constantFrom('a', 'b'),
        when: fc.constantFrom('signals.size() > 0', 'steps.size() > 1', "inputs.all(i, 'invoice' in i.kinds)"),
      },
      { requiredKeys: [] },
    );
    const fixtures = fc.constantFrom('invoices/good.csv', 'invoices/wrong-headers.csv', 'quotes/good.csv');
    fc.assert(
      fc.property(fixtures, fc.array(asked, { minLength: 1, maxLength: 5 }), fc.infiniteStream(fc.nat(2)), (fixture, all, left) => {
        const job = jobOf(all.map((requires) => ({ requires })));
        const planned = planSteps(job, { seen: seenIn(fixture), unseen: [] });
        const signals: StepFacts['signals'][number][] = [];
        const steps: StepFacts['steps'][number][] = [];
        for (const [index, step] of job.steps.entries()) {
          const gate = judgeStep(step.requires, { inputs: seenIn(fixture), signals, steps, label_asof: job.label_asof });
          const said = planned[index];
          if (said?.would !== 'depends') expect(said?.would).toBe(gate.met ? 'run' : 'skip');
          if (said?.would === 'skip' && !gate.met) expect(said).toMatchObject({ reason: gate.reason, next_action: gate.next_action });
          steps.push({ step: step.name, status: gate.met ? 'success' : 'skipped', exit_code: gate.met ? 0 : null });
          const count = left.next().value;
          if (gate.met) signals.push({ name: count === 0 ? 'a' : 'b', step: step.name, digest: 'd', count });
        }
      }),
    );
  });
});
