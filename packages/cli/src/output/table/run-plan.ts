import type { RouteList, RouteResponse } from '@govctl/core/api';
import { counted } from '../counted.ts';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { nextLines } from './gate-answer.ts';
import { grid } from './grid.ts';
import { skippedPairs } from './skipped.ts';
import { pairs, plain } from './text.ts';

type RunPlan = RouteResponse<RouteList['run.evaluate']>;
type Step = RunPlan['steps'][number];

/** Whether it would start, what is in its data, what each step would do, who judges it; and the one thing to do. */
export function runPlanTable(document: Document, paint: Paint): string {
  const plan = document as unknown as RunPlan;
  const failing = plan.checks.filter(({ ok }) => !ok);
  return [
    `${headline(plan, paint)}\n`,
    grid(
      ['check', 'ok', 'what'],
      plan.checks.map(({ name, ok, detail }) => [name, ok, detail]),
      paint,
    ),
    grid(
      ['input', 'files', 'looked at', 'holds'],
      plan.inputs.map(({ name, files, looked_at, kinds, not_looked_at }) => [name, files, looked_at, holds(kinds, not_looked_at)]),
      paint,
    ),
    grid(
      ['#', 'step', 'would', 'requires', 'timeout', 'retries', 'cost', 'command'],
      plan.steps.map((step, index) => [
        index + 1,
        step.step,
        would(step),
        step.requires,
        step.timeout,
        step.retries,
        step.cost_units,
        // The longest comes last: what a narrow terminal wraps is at the end.
        step.command.join(' '),
      ]),
      paint,
    ),
    pairs(skippedPairs(plan.steps), paint),
    grid(
      ['judged by', 'what it asks'],
      plan.judged_by.map(({ code, asks }) => [code, asks]),
      paint,
    ),
    plan.next_action === null ? '' : `${paint.strong('next step')}\n  ${plain(plan.next_action)}\n`,
    nextLines(
      failing.flatMap(({ name, fix }) => (fix === null ? [] : [{ who: name, command: fix }])),
      paint,
    ),
  ].join('');
}

function headline({ starts, job_kind, workspace, steps }: RunPlan, paint: Paint): string {
  const what = `${job_kind} in ${workspace}`;
  if (!starts) return `${paint.bad('would not start')}: ${what}`;
  const nothing = steps.every(({ would }) => would === 'skip');
  return `${nothing ? paint.bad('would start, run nothing and be denied') : paint.good('would start')}: ${what}; ${countSteps(steps)}`;
}

/** How many steps would run, in words. */
function countSteps(steps: readonly Pick<Step, 'would'>[]): string {
  const of = (would: Step['would']) => steps.filter((step) => step.would === would).length;
  const all = counted(steps.length, 'step');
  if (of('run') === steps.length) return `${all} would run`;
  const rest = [
    [of('skip'), 'would be skipped'],
    [of('depends'), of('depends') === 1 ? 'is not known before it runs' : 'are not known before it runs'],
  ] as const;
  return [`${of('run')} of ${all} would run`, ...rest.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]))].join(', ');
}

function holds(kinds: readonly string[], not_looked_at: string | null): string {
  if (not_looked_at !== null) return `not looked at: ${not_looked_at}`;
  return kinds.length === 0 ? 'nothing of a known kind' : kinds.join(', ');
}

function would({ would, depends_on }: Step): string {
  if (would === 'depends') return `depends on ${depends_on}`;
  return would === 'run' ? 'run' : 'be skipped';
}
