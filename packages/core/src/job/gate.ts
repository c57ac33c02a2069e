import type { Detection } from './input/detect.ts';
import { type KindName, kindNames } from './input/kind.ts';
import { type InputReason, type InputSaid, sayOfInput } from './input/say.ts';
import { quoted } from './quoted.ts';
import { evaluateWhen, type Requires } from './requires.ts';

/** A pinned input as it was found: the first bytes of each of its files, seen by `detectInput`. */
export type GateInputFact = {
  readonly name: string;
  readonly dataset_id: string;
  readonly snapshot_id: string;
  readonly files: readonly { readonly path: string; readonly detection: Detection }[];
};

/** A named output of a step, as it stands in the manifest. */
export type Signal = { readonly name: string; readonly digest: string; readonly count: number };

/** All that a step gate may know. */
export type StepFacts = {
  readonly inputs: readonly GateInputFact[];
  readonly signals: readonly (Signal & { readonly step: string })[];
  readonly steps: readonly { readonly step: string; readonly status: string; readonly exit_code: number | null }[];
  readonly label_asof: string;
};

/** Why a step was skipped. */
export type UnmetReason = InputReason | 'signal-missing' | 'signal-empty' | 'when-not-met' | 'when-unknown';

/** An unmet step is skipped, not failed: `takeaway` says what that means, `next_action` is the one thing to do. */
export type StepGate =
  | { readonly met: true }
  | { readonly met: false; readonly reason: UnmetReason; readonly takeaway: string; readonly next_action: string };

/** Whether a skipped step's reason is broken or missing data: what a person may want help with. */
export function isDataReason(reason: string | null | undefined): boolean {
  return reason?.startsWith('input-') === true;
}

/**
 * Whether a step may run. Inputs are asked first, then signals, then `when`: the first that is unmet gives the answer, because whoever
 * is told three things to do does none of them. Pure.
 */
export function judgeStep(requires: Requires | undefined, facts: StepFacts): StepGate {
  for (const kind of requires?.inputs ?? []) {
    const said = judgeInput(kind, facts.inputs);
    if (said !== undefined) return { met: false, ...said };
  }
  for (const name of [requires?.signals ?? []].flat()) {
    const signal = facts.signals.findLast((one) => one.name === name);
    if (signal === undefined) return noSignal(name);
    if (signal.count === 0) return emptySignal(signal);
  }
  return requires?.when === undefined ? { met: true } : judgeWhen(requires.when, facts);
}

function judgeInput(kind: KindName, inputs: readonly GateInputFact[]): InputSaid | undefined {
  const files = inputs.flatMap((input) => input.files.map(({ path, detection }) => ({ path, input: input.name, detection })));
  const broken = files.find(({ detection }) => isBroken(kind, detection));
  // One good file does not make up for a broken one beside it: half of the invoices is not the invoices.
  if (broken !== undefined) return sayOfInput(kind, broken);
  if (files.some(({ detection }) => detection.state === 'good' && detection.kind === kind)) return undefined;
  const nearest = explanations
    .map((explains) => files.find(({ detection }) => explains(kind, detection)))
    .find((file) => file !== undefined);
  return sayOfInput(kind, nearest);
}

/** It means to be of the kind, and is not. */
function isBroken(kind: KindName, detection: Detection): boolean {
  if (detection.state === 'unreadable') return detection.kind === kind;
  return detection.state === 'wrong_headers' && detection.near.some((near) => near.kind === kind && near.claims);
}

// What most likely should have been the input, most telling first.
const explanations: readonly ((kind: KindName, detection: Detection) => boolean)[] = [
  (kind, detection) => detection.state === 'wrong_headers' && detection.near.some((near) => near.kind === kind),
  (kind, detection) => detection.state === 'empty' && detection.kind === kind,
  (_, detection) => detection.state === 'empty' && detection.kind === null,
  (_, detection) => detection.state === 'unreadable',
  (_, detection) => detection.state === 'wrong_headers',
];

/** Which kinds are in an input and can be read. */
export function kindsIn({ files }: Pick<GateInputFact, 'files'>): KindName[] {
  return kindNames.filter((kind) => files.some(({ detection }) => detection.state === 'good' && detection.kind === kind));
}

function judgeWhen(when: string, { inputs, signals, steps, label_asof }: StepFacts): StepGate {
  const found = inputs.map(({ files, ...input }) => ({
    ...input,
    kinds: kindsIn({ files }),
    file_count: files.length,
  }));
  const answer = evaluateWhen(when, { inputs: found, signals, steps, label_asof });
  if (!answer.ok) {
    return {
      met: false,
      reason: 'when-unknown',
      takeaway: `Whether this step applies could not be told: ${quoted(answer.error, 160)}. It did not run.`,
      next_action: `Correct the step's condition in the job file: ${quoted(when, 160)}.`,
    };
  }
  if (answer.value) return { met: true };
  return {
    met: false,
    reason: 'when-not-met',
    takeaway: 'This step does not apply here: its condition does not hold. It did not run.',
    next_action: `If you expected it to run, compare the results of the steps before it with its condition: ${quoted(when, 160)}.`,
  };
}

function noSignal(name: string): StepGate {
  return {
    met: false,
    reason: 'signal-missing',
    takeaway: `There was nothing to work on: no earlier step left ${quoted(name)}. Nothing was inferred.`,
    next_action: `Look at the output of the step that should leave ${quoted(name)}.`,
  };
}

function emptySignal({ name, step }: StepFacts['signals'][number]): StepGate {
  return {
    met: false,
    reason: 'signal-empty',
    takeaway: `There was nothing to work on: ${quoted(step)} left ${quoted(name)} with no elements. Nothing was inferred.`,
    next_action: `If you expected some, check that the inputs cover the right period.`,
  };
}
