import type { RouteList, RouteResponse } from '@govctl/core/api';
import { addressed } from '@govctl/core/decision';
import { isDataReason, type RunDocument } from '@govctl/core/job';
import { counted } from '../counted.ts';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines, countText, nextLines } from './gate-answer.ts';
import { grid } from './grid.ts';
import { pausePairs } from './pause.ts';
import { pairs, plain } from './text.ts';

type Pair = readonly [name: string, value: unknown];

/** A job: how it stands in words, the receipt of each step, what stands against its result, where its evidence is. */
export function runTable(document: Document, paint: Paint): string {
  const run = document as unknown as RunDocument;
  const { decision, evidence, limits, used, running } = run;
  const against = addressed(decision?.gates ?? [], { run_id: run.run_id }).filter(
    ({ outcome }) => outcome === 'fail' || outcome === 'defer',
  );
  const facts: Pair[] = [
    ['run_id', run.run_id],
    ['phase', `${run.phase}/${run.status}, since ${run.phases.at(-1)?.at ?? run.updated_at}`],
    ...optional('reason', run.reason),
    ...(running === null ? [] : [['running', `${running.step}, attempt ${running.attempt}, since ${running.since}`] as const]),
    ...(run.stop_asked_at === null || run.phase === 'FAILED' ? [] : [['stopping', `asked for at ${run.stop_asked_at}`] as const]),
    ...pausePairs(run.pause),
    ...(run.risk_level === 'normal' ? [] : [['risk', run.risk_level] as const]),
    ['workspace', `${run.tenant_id}/${run.workspace}`],
    ['labels as of', run.label_asof],
    ...run.inputs.map(({ name, snapshot_id, snapshot_hash }) => [`input ${name}`, `${snapshot_id}, ${snapshot_hash}`] as const),
    ...run.outputs.map(
      (one) => [`output ${one.name}`, `${one.snapshot_id} of ${one.dataset_id} ${one.layer}, ${counted(one.file_count, 'file')}`] as const,
    ),
    [
      'used',
      `${used.steps} of ${limits.steps} steps, ${used.seconds} of ${limits.seconds} s, ${used.cost_units} of ${limits.cost_units} cost units`,
    ],
    ...(decision === null ? [] : [['decision', `${decision.decision}, by ${decision.decided_by}; ${countText(decision.gates)}`] as const]),
    ...optional('decision_ref', run.decision_ref),
    ...(evidence === null ? [] : [['evidence', `${evidence.ref}, leaf ${evidence.leaf_index} of ${evidence.tree_size}`] as const]),
    ...optional('manifest', run.manifest_digest),
    ...optional('asked again', run.next_eligible_at),
    ...optional('reruns', run.rerun_of),
    ...(run.promotions.length === 0 ? [] : [['promotions', run.promotions.join(', ')] as const]),
    ...optional('observability', run.observability_status),
  ];
  return [
    `${headline(run, paint)}\n`,
    stepLines(run, paint),
    answerLines(against, paint, { full: false }),
    pairs(facts, paint),
    nextLines(next(run), paint),
  ].join('');
}

function stepLines({ manifest }: RunDocument, paint: Paint): string {
  if (manifest.length === 0) return '';
  const told = new Map<string, string>();
  const rows = manifest.map((row) => [
    row.step,
    row.status,
    `${((Date.parse(row.ended) - Date.parse(row.started)) / 1000).toFixed(1)} s`,
    row.exit_code,
    whatOf(row, told),
  ]);
  const action = nextAction(manifest);
  const next = action === undefined ? '' : `${paint.strong('next step')}\n  ${plain(action)}\n`;
  return `${grid(['step', 'status', 'took', 'exit', 'what'], rows, paint)}${next}`;
}

/** @param told takeaway -> the step it was shown at: steps that were skipped alike say so */
function whatOf({ step, reason, takeaway, signals = [] }: RunDocument['manifest'][number], told: Map<string, string>): string {
  if (takeaway === undefined) return reason ?? signals.map(({ name, count }) => `${name}: ${count}`).join(', ');
  const before = told.get(takeaway);
  if (before === undefined) told.set(takeaway, step);
  return before === undefined ? takeaway : `for the same reason as ${before}`;
}

/** The one thing to do about what was skipped; broken data first, as everywhere. */
function nextAction(manifest: RunDocument['manifest']): string | undefined {
  const skipped = manifest.filter(({ reason, next_action }) => next_action !== undefined && reason !== 'when-not-met');
  return (skipped.find(({ reason }) => isDataReason(reason)) ?? skipped[0])?.next_action;
}

function headline({ workspace, job_kind, phase, status }: RunDocument, paint: Paint): string {
  const what = `${job_kind} in ${workspace}`;
  if (phase === 'COMPLETED') return `${paint.good('succeeded')}: ${what}`;
  if (phase === 'FAILED') return `${paint.bad(status === 'failed_policy' ? 'denied' : status)}: ${what}`;
  return `${status === 'running' || status === 'queued' ? status : paint.wait(status)}: ${what}`;
}

function next({ run_id, phase, status, evidence, manifest, pause }: RunDocument) {
  if (phase === 'COMPLETED')
    return evidence === null
      ? []
      : [{ who: 'to keep, and verify offline', command: `govctl evidence get ${evidence.ref} -O evidence.json` }];
  if (status === 'paused')
    return [
      { who: pause?.authorities.join(' or ') ?? 'who may', command: `govctl run resume ${run_id} --reason TEXT` },
      { who: 'to end it', command: `govctl run stop ${run_id} --reason TEXT` },
    ];
  if (phase !== 'FAILED') return [{ who: 'to see how it ends', command: `govctl run watch ${run_id}` }];
  return [
    ...(manifest.length > 0 ? [{ who: 'what its steps printed', command: `govctl run logs ${run_id}` }] : []),
    ...(status === 'failed_policy' ? [] : [{ who: 'once it is mended', command: `govctl run rerun ${run_id}` }]),
  ];
}

function optional(name: string, value: string | null): Pair[] {
  return value === null ? [] : [[name, value]];
}

export function runListTable(document: Document, paint: Paint): string {
  const { items, next_cursor } = document as unknown as RouteResponse<RouteList['run.ls']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map((item) => [
    item.run_id,
    item.job_kind,
    item.tenant_id,
    item.workspace,
    item.phase,
    item.status,
    item.decision,
    item.created_at,
    item.reason,
  ]);
  const columns = ['run_id', 'kind', 'tenant', 'workspace', 'phase', 'status', 'decision', 'created', 'reason'];
  return `${grid(columns, rows, paint)}${next_cursor === null ? '' : `more: --cursor ${next_cursor}\n`}`;
}
