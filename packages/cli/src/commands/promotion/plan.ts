import { resolve } from 'node:path';
import { isProblem, Problem, readAs, reasonsOf } from '@govctl/core/api';
import { answersMoved, type Facts, kernelVersion, type Moved, movedBetween } from '@govctl/core/decision';
import { jcsDigest } from '@govctl/core/evidence';
import { makePlan, type Plan, planSchema } from '@govctl/core/promotion';
import type { CommandContext } from '../../command.ts';
import { readJsonFile, writePrivateJson } from '../../io/json-file.ts';
import { gateRenderings } from '../../output/gate-report.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import { perform } from './perform.ts';
import type { PromoteFlags, RequestBody } from './promote.ts';

/** Keeps a dry run as a plan. */
export async function savePlan({ cwd, io }: CommandContext, request: RequestBody, facts: Facts, out: string): Promise<void> {
  const file = resolve(cwd, out);
  await writePrivateJson(file, makePlan(request as Parameters<typeof makePlan>[0], facts));
  await io.note(`plan kept in ${file}: govctl promote --plan ${out}`);
}

/** Carries a plan out, if nothing it was made on has moved; or shows it, whatever moved. */
export async function fromPlan(context: CommandContext, path: string, flags: PromoteFlags): Promise<CommandResult> {
  const plan = await readPlan(context, path);
  if (flags.show) return show(context, plan, path);
  const { run_id } = plan.request;
  if (!(await exists(context, run_id))) refuseStale(plan, await whatMoved(context, plan), path);
  try {
    return await perform(context, { ...plan.request, expected_state: plan.state_digest }, flags);
  } catch (error) {
    // It moved in the moment between: now it can be named.
    if (isProblem(error) && error.code === 'stale') refuseStale(plan, await whatMoved(context, plan), path);
    throw error;
  }
}

/**
 * A plan that says of itself what it is, and that the kernel comes to again from its own facts.
 * @throws Problem `usage` for what is no plan; `integrity` for one that was changed after it was made
 */
async function readPlan({ cwd }: CommandContext, path: string): Promise<Plan> {
  const parsed = readAs(planSchema, await readJsonFile(cwd, '--plan', path));
  const again = 'make a new one: govctl promote DATASET --from L --to L --snapshot S --dry-run --out PLAN';
  if (!parsed.ok) {
    throw new Problem('usage', {
      detail: `${path} (--plan) is not a plan this version reads`,
      hint: again,
      reasons: reasonsOf(parsed.faults.slice(0, 20)),
    });
  }
  const plan = parsed.value;
  const { plan_digest, ...content } = plan;
  const wrong = jcsDigest(content) !== plan_digest ? 'its content has another digest than it says' : contradiction(plan);
  if (wrong === undefined) return plan;
  throw new Problem('integrity', { detail: `${path} was changed after it was made: ${wrong}`, hint: again });
}

/** A plan that says something else than its own facts give. What another kernel decided cannot be decided again by this one. */
function contradiction({ request, facts, plan_digest, decision }: Plan): string | undefined {
  const asked = facts.request;
  const keys = ['run_id', 'dataset_id', 'tenant_id', 'from_layer', 'to_layer', 'snapshot_id'] as const;
  const other = keys.find((key) => request[key] !== asked[key]);
  if (other !== undefined) return `it asks for ${other} ${request[other]}, and its facts are about ${asked[other]}`;
  if (decision.kernel_version !== kernelVersion || makePlan(request, facts).plan_digest === plan_digest) return undefined;
  return 'its facts give another decision than it says';
}

async function exists({ client }: CommandContext, runId: string): Promise<boolean> {
  try {
    await client.call('promotion.get', { params: { run_id: runId } });
    return true;
  } catch (error) {
    if (isProblem(error) && (error.code === 'not-found' || error.code === 'forbidden')) return false;
    throw error;
  }
}

async function whatMoved({ client }: CommandContext, plan: Plan): Promise<Moved[]> {
  const { facts, decision } = await client.call('promotion.evaluate', { body: plan.request });
  const moved = movedBetween(plan.facts, facts);
  return moved.length > 0 ? moved : answersMoved(plan.decision, decision);
}

function refuseStale({ made_at, request }: Plan, moved: readonly Moved[], path: string): void {
  if (moved.length === 0) return;
  const { dataset_id, from_layer, to_layer, snapshot_id } = request;
  throw new Problem('stale', {
    detail: `the plan of ${made_at} is stale, and nothing was done: ${moved.map(({ what }) => what).join(', ')} moved`,
    hint: `look at it: govctl promote --plan ${path} --show; make a new one: govctl promote ${dataset_id} --from ${from_layer} --to ${to_layer} --snapshot ${snapshot_id} --dry-run --out ${path}`,
    reasons: moved.map(({ what, before, after }) => ({ path: what, message: `${before} when planned, ${after} now` })),
  });
}

/** A plan can be looked at always; where govd answers, with what moved since. */
async function show(context: CommandContext, plan: Plan, path: string): Promise<CommandResult> {
  const { schemaVersion: _version, kind: _kind, facts: _facts, ...rest } = plan;
  let moved: readonly Moved[] | null = null;
  try {
    moved = (await exists(context, plan.request.run_id)) ? [carriedOut(plan.request.run_id)] : await whatMoved(context, plan);
  } catch (error) {
    if (!isProblem(error)) throw error;
    await context.io.warn(`whether ${path} is still good is not known: ${error.message}`);
  }
  return {
    document: asDocument('PlanReport', { ...rest, stale: moved === null ? null : moved.length > 0, moved: moved ?? [] }),
    names: [plan.request.run_id],
    renderings: gateRenderings(plan.decision),
  };
}

function carriedOut(runId: string): Moved {
  return { what: 'run', before: 'not asked for', after: `${runId} exists: govctl promotion get ${runId}` };
}
