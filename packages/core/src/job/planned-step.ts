import { type GateInputFact, isDataReason, judgeStep, type StepFacts, type UnmetReason } from './gate.ts';
import type { JobFile, JobStepFile } from './job-file.ts';
import { type WhenVariable, whenVariables } from './requires.ts';

/**
 * What a step would do if the job were started now: `run`, `skip` with what its receipt would say, or it `depends` on what nobody can know
 * before the steps before it have run, or on data that was not looked at.
 */
export type PlannedStep = {
  readonly would: 'run' | 'skip' | 'depends';
  readonly depends_on: string | null;
  readonly reason: UnmetReason | null;
  readonly takeaway: string | null;
  readonly next_action: string | null;
};

/** Inputs as they were found in the data, and names of those that were not looked at. */
type SeenInputs = { readonly seen: readonly GateInputFact[]; readonly unseen: readonly string[] };

const runs: PlannedStep = { would: 'run', depends_on: null, reason: null, takeaway: null, next_action: null };
const depends = (depends_on: string): PlannedStep => ({ ...runs, would: 'depends', depends_on });

/**
 * Asks every step what it asks in a run, with what is known before one. A job whose step fails ends there, so whatever a step would run
 * after has succeeded. Pure.
 */
export function planSteps({ steps, label_asof }: Pick<JobFile, 'steps' | 'label_asof'>, inputs: SeenInputs): readonly PlannedStep[] {
  const planned: PlannedStep[] = [];
  for (const step of steps) {
    const before = steps.slice(0, planned.length).map((one, index) => ({ step: one.name, would: planned[index]?.would ?? 'depends' }));
    planned.push(planStep(step, label_asof, inputs, before));
  }
  return planned;
}

/** The one thing to do about what would be skipped: broken data before all else, for it is what usually makes the others skip. */
export function plannedNextAction(planned: readonly PlannedStep[]): string | null {
  const skipped = planned.filter(({ would }) => would === 'skip');
  return (skipped.find(({ reason }) => isDataReason(reason)) ?? skipped[0])?.next_action ?? null;
}

type Before = readonly { readonly step: string; readonly would: PlannedStep['would'] }[];

function planStep({ requires }: JobStepFile, label_asof: string, { seen, unseen }: SeenInputs, before: Before): PlannedStep {
  if (requires === undefined) return runs;
  const facts: StepFacts = {
    inputs: seen,
    signals: [],
    steps: before.map(({ step, would }) => ({
      step,
      status: would === 'skip' ? 'skipped' : 'success',
      exit_code: would === 'skip' ? null : 0,
    })),
    label_asof,
  };
  const asks = (variable: WhenVariable) => requires.when !== undefined && whenVariables(requires.when).has(variable);
  if (unseen.length > 0 && (requires.inputs !== undefined || asks('inputs')))
    return depends(`${unseen.length === 1 ? 'input' : 'inputs'} ${unseen.join(', ')}, not looked at`);
  const data = judgeStep({ inputs: requires.inputs }, facts);
  if (!data.met) return skips(data);
  // Only a step that ran can have left a signal.
  const mayLeave = before.filter(({ would }) => would !== 'skip').map(({ step }) => step);
  const signals = [requires.signals ?? []].flat();
  if (signals.length > 0 && mayLeave.length > 0) return depends(`${signals.length === 1 ? 'signal' : 'signals'} ${signals.join(', ')}`);
  const open = (asks('signals') && mayLeave.length > 0) || (asks('steps') && before.some(({ would }) => would === 'depends'));
  if (open) return depends('its condition');
  const gate = judgeStep(requires, facts);
  return gate.met ? runs : skips(gate);
}

function skips({
  reason,
  takeaway,
  next_action,
}: Pick<PlannedStep, 'takeaway' | 'next_action'> & { readonly reason: UnmetReason }): PlannedStep {
  return { would: 'skip', depends_on: null, reason, takeaway, next_action };
}
