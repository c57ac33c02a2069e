import { Problem } from '@govctl/core/api';
import type { CommandContext, Run } from '../../command.ts';
import type { FlagValues } from '../../flag.ts';
import type { promote } from './declaration.ts';
import { perform } from './perform.ts';
import { newRunId } from './run-id.ts';

export type PromoteFlags = FlagValues<NonNullable<(typeof promote)['flags']>>;

/** What `promotion.request` and `promotion.evaluate` are asked. */
export type RequestBody = {
  readonly run_id: string;
  readonly dataset_id: string;
  readonly tenant_id: string;
  readonly from_layer: NonNullable<PromoteFlags['from']>;
  readonly to_layer: NonNullable<PromoteFlags['to']>;
  readonly snapshot_id: string;
  readonly evidence?: object;
  readonly expected_policy_rev?: string;
  readonly supersedes?: string;
  readonly job_run_id?: string;
  /** Of a plan that is carried out. */
  readonly expected_state?: string;
};

export const run: Run<typeof promote> = async (context, { dataset }, flags) => {
  assertFlagsAgree(flags);
  if (flags.plan !== undefined) {
    assertPlanAlone(dataset, flags);
    return (await import('./plan.ts')).fromPlan(context, flags.plan, flags);
  }
  if (flags.show) throw usage('--show is for a plan, and none is named', 'add --plan PLAN');
  if (dataset === undefined) throw usage('DATASET must be given', 'govctl promote --help');
  if (flags.dryRun === 'offline') return (await import('./dry-run.ts')).decideOffline(context, dataset, flags);
  const request = await requestOf(context, dataset, flags);
  if (flags.dryRun !== undefined) {
    const { dryRun } = await import('./dry-run.ts');
    if (flags.job === undefined) return dryRun(context, request, flags.dryRun, flags);
    const { planOfJob, withPlan } = await import('./after-job.ts');
    const plan = await planOfJob(context, flags.job, request);
    return withPlan(await dryRun(context, request, flags.dryRun, flags), plan);
  }
  if (flags.job !== undefined) return (await import('./after-job.ts')).promoteAfter(context, flags.job, request, flags);
  return perform(context, request, flags);
};

const usage = (detail: string, hint: string) => new Problem('usage', { detail, hint });

/** Flags that contradict each other, before anything is read or sent: a flag that is ignored is a promise broken. */
function assertFlagsAgree(flags: PromoteFlags): void {
  if (flags.dryRun === undefined) {
    const lone = (
      [
        ['--facts', flags.facts],
        ['--save-facts', flags.saveFacts],
        ['--effective-time', flags.effectiveTime],
        ['--out', flags.out],
      ] as const
    ).find(([, value]) => value !== undefined);
    if (lone !== undefined) throw usage(`${lone[0]} is for dry runs, and this would promote`, 'add --dry-run');
  } else if (flags.wait) throw usage('a dry run has nothing to wait for', 'leave --wait out');
  if (flags.dryRun === 'offline') {
    if (flags.facts === undefined)
      throw usage(
        '--dry-run=offline decides facts from a file, and none is named',
        'add --facts FILE, made with --dry-run --save-facts FILE',
      );
    for (const [name, value] of [
      ['--evidence', flags.evidence],
      ['--save-facts', flags.saveFacts],
      ['--out', flags.out],
      ['--run-id', flags.runId],
      ['--supersedes', flags.supersedes],
      ['--job', flags.job],
      ['--expected-policy-rev', flags.expectedPolicyRev],
    ] as const) {
      if (value !== undefined) throw usage(`${name} has no meaning offline: the facts are as they were read`, `leave ${name} out`);
    }
  } else if (flags.out !== undefined && flags.job !== undefined) {
    throw usage('a plan is of a promotion alone, and --job names what comes before it', 'leave --out out');
  } else if (flags.out !== undefined && flags.effectiveTime !== undefined) {
    throw usage('a plan is of now, and --effective-time judges as of another moment', 'leave one of them out');
  } else if (flags.facts !== undefined)
    throw usage('--facts is decided without govd, and this would ask it', 'say --dry-run=offline, or leave --facts out');
}

/** A plan says all of it; anything said besides would be another promotion. */
function assertPlanAlone(dataset: string | undefined, flags: PromoteFlags): void {
  const lone = (
    [
      ['DATASET', dataset],
      ['--from', flags.from],
      ['--to', flags.to],
      ['--snapshot', flags.snapshot],
      ['--run-id', flags.runId],
      ['--evidence', flags.evidence],
      ['--tenant', flags.tenant],
      ['--supersedes', flags.supersedes],
      ['--job', flags.job],
      ['--expected-policy-rev', flags.expectedPolicyRev],
      ['--dry-run', flags.dryRun],
    ] as const
  ).find(([, value]) => value !== undefined);
  if (lone !== undefined) throw usage(`the plan says ${lone[0]} already`, `leave ${lone[0]} out, or make another plan`);
  if (flags.show && flags.wait) throw usage('--show does nothing that could be waited for', 'leave --wait out');
}

async function requestOf(context: CommandContext, dataset: string, flags: PromoteFlags): Promise<RequestBody> {
  const { from, to, snapshot } = flags;
  if (from === undefined || to === undefined || snapshot === undefined) {
    const missing = [from === undefined ? '--from' : '', to === undefined ? '--to' : '', snapshot === undefined ? '--snapshot' : ''];
    throw usage(`${missing.filter((name) => name !== '').join(', ')} must be given`, 'govctl promote --help');
  }
  const evidence = flags.evidence === undefined ? undefined : await readEvidence(context, flags.evidence);
  return {
    // A bundle is about one run: its run_id counts where no other is given.
    run_id: flags.runId ?? (typeof evidence?.run_id === 'string' ? evidence.run_id : newRunId(context.now())),
    dataset_id: dataset,
    tenant_id: flags.tenant ?? (await context.target()).tenant,
    from_layer: from,
    to_layer: to,
    snapshot_id: snapshot,
    ...(evidence === undefined ? {} : { evidence }),
    ...(flags.expectedPolicyRev === undefined ? {} : { expected_policy_rev: flags.expectedPolicyRev }),
    ...(flags.supersedes === undefined ? {} : { supersedes: flags.supersedes }),
  };
}

async function readEvidence({ cwd }: CommandContext, path: string): Promise<{ readonly run_id?: unknown }> {
  const { readJsonFile } = await import('../../io/json-file.ts');
  const bundle = await readJsonFile(cwd, '--evidence', path);
  if (typeof bundle === 'object' && bundle !== null && !Array.isArray(bundle)) return bundle;
  throw usage(`${path} (--evidence) does not hold an evidence bundle`, 'a bundle is a JSON object: run_id, snapshot_id, checks, ...');
}
