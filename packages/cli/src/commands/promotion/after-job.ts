import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { CommandContext } from '../../command.ts';
import { readText } from '../../io/input-file.ts';
import type { CommandResult } from '../../output/result.ts';
import { awaitEnd } from '../run/outcome.ts';
import { perform } from './perform.ts';
import type { PromoteFlags, RequestBody } from './promote.ts';

type RunPlan = RouteResponse<RouteList['run.evaluate']>;

/** Submits the job and then the promotion that waits for it. Both may be sent again under the same run_id. */
export async function promoteAfter(
  context: CommandContext,
  path: string,
  request: RequestBody,
  flags: PromoteFlags,
): Promise<CommandResult> {
  const { text: source } = await readText(context, path);
  const { run_id, tenant_id } = request;
  const job_run_id = `${run_id}-job`;
  await saysWhatElse(context, source, request);
  await context.io.note(`job: ${job_run_id}`);
  const job = await context.client.call('run.submit', { body: { run_id: job_run_id, tenant_id, source } });
  const asked = { ...request, job_run_id };
  const first = await perform(context, asked, { ...flags, wait: false }).catch(async (error: unknown) => {
    await context.io.warn(`the job ${job_run_id} was submitted, and goes on; to end it: govctl run stop ${job_run_id} --reason TEXT`);
    throw error;
  });
  if (!flags.wait) return first;
  const ended = await awaitEnd(context, job, flags.timeout);
  // Asked again under its run_id, it says where it stands.
  return ended.exit === 'timeout' && 'document' in first ? { ...first, exit: 'timeout' } : perform(context, asked, flags);
}

/** What the job would do. */
export async function planOfJob(context: CommandContext, path: string, request: Target): Promise<RunPlan> {
  const { tenant_id } = request;
  const { text: source } = await readText(context, path);
  await saysWhatElse(context, source, request);
  return await context.client.call('run.evaluate', { body: { tenant_id, source } });
}

/** A dry run of both: the gates of the promotion, and the plan of the job before it. */
export function withPlan(result: CommandResult, plan: RunPlan): CommandResult {
  if (!('document' in result)) return result;
  const { workspace, job_digest, starts, checks, steps, next_action } = plan;
  const skips = steps.flatMap(({ step, takeaway }) => (takeaway === null ? [] : [{ step, takeaway }]));
  const job = { workspace, job_digest, starts, checks, steps: steps.map(({ step }) => step), skips, next_action };
  return { ...result, document: { ...result.document, job }, exit: starts ? (result.exit ?? 'ok') : 'deny' };
}

type Target = Pick<RequestBody, 'tenant_id' | 'dataset_id' | 'snapshot_id'>;

/** A job that works on another version of what is promoted is mostly a file of yesterday. It may be meant, so it is said and not refused. */
async function saysWhatElse(context: CommandContext, source: string, { dataset_id, snapshot_id }: Target): Promise<void> {
  const { readJob } = await import('@govctl/core/job');
  const versions = (readJob(source).job?.inputs ?? []).filter((input) => input.dataset_id === dataset_id);
  const [other] = versions;
  if (other === undefined || versions.some((input) => input.snapshot_id === snapshot_id)) return;
  await context.io.warn(`the job works on ${other.snapshot_id} of ${dataset_id}, not on ${snapshot_id}, which is promoted`);
}
