import { resolve } from 'node:path';
import { Problem, type RouteInput, type RouteList } from '@govctl/core/api';
import {
  buildInput,
  type DecisionDocument,
  decide,
  decisionDigest,
  explain,
  type Facts,
  fromFactsFile,
  kernelVersion,
  parity,
  toFactsFile,
} from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import type { CommandContext } from '../../command.ts';
import { readJsonFile, writePrivateJson } from '../../io/json-file.ts';
import { gateRenderings } from '../../output/gate-report.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import type { PromoteFlags, RequestBody } from './promote.ts';

type Evaluated = RouteInput<RouteList['promotion.evaluate']>['body'];

/**
 * Asks govd for facts and decision; `local` decides the same facts here, by the same kernel, and compares. govd's evaluate path has no
 * way to write, and neither has this.
 */
export async function dryRun(
  context: CommandContext,
  request: RequestBody,
  where: 'local' | 'server',
  flags: PromoteFlags,
): Promise<CommandResult> {
  const { client, io, cwd } = context;
  const body: Evaluated = {
    ...request,
    with_sources: where === 'local' || flags.saveFacts !== undefined || flags.out !== undefined,
    ...(flags.effectiveTime === undefined ? {} : { effective_time: flags.effectiveTime }),
  };
  const { facts, decision: theirs } = await client.call('promotion.evaluate', { body });
  if (flags.saveFacts !== undefined) {
    const file = resolve(cwd, flags.saveFacts);
    await writePrivateJson(file, toFactsFile(facts));
    await io.note(`facts kept in ${file}: govctl promote ${request.dataset_id} --dry-run=offline --facts ${flags.saveFacts}`);
  }
  if (flags.out !== undefined) await (await import('./plan.ts')).savePlan(context, request, facts, flags.out);
  return answered(facts, theirs, where, flags.explain, flags.effectiveTime);
}

/** What govd evaluated, as it said it, or decided again here and compared. */
export function answered(
  facts: Facts,
  theirs: DecisionDocument,
  where: 'local' | 'server',
  explained: boolean,
  effectiveTime?: string,
): CommandResult {
  return result(where === 'server' ? theirs : compared(decidedHere(facts, effectiveTime), theirs, facts), explained);
}

/** Decides facts from a file. Nothing is asked of anybody: no configuration, no connection. */
export async function decideOffline({ cwd, io }: CommandContext, dataset: string, flags: PromoteFlags): Promise<CommandResult> {
  const facts = fromFactsFile(await readJsonFile(cwd, '--facts', flags.facts ?? ''));
  assertAbout(facts, dataset, flags);
  if (facts.kernel_version !== kernelVersion)
    await io.warn(`these facts were read for kernel ${facts.kernel_version}, and this is kernel ${kernelVersion}: the answers may differ`);
  const bare = facts.packs.filter(({ source }) => source === undefined).map(({ name }) => name);
  if (bare.length > 0) await io.warn(`the facts do not carry the rules of ${bare.join(', ')}; make them with --dry-run --save-facts`);
  return result(decidedHere(facts, flags.effectiveTime), flags.explain);
}

function decidedHere(facts: Facts, effectiveTime: string | undefined): DecisionDocument {
  const body = decide(buildInput(facts), compilePacks(facts.packs), effectiveTime ?? facts.as_of);
  return asDocument('Decision', { ...body, decision_digest: decisionDigest(body), dry_run: true });
}

function compared(ours: DecisionDocument, theirs: DecisionDocument, facts: Facts): DecisionDocument {
  return { ...ours, parity: parity({ ...ours, facts }, { ...theirs, facts }) };
}

function result(decision: DecisionDocument, explained: boolean): CommandResult {
  const exits = { allow: 'ok', deny: 'deny', defer: 'defer' } as const;
  const document = explained ? { ...decision, explanation: explain(decision) } : decision;
  return { document, exit: exits[decision.decision], renderings: gateRenderings(decision) };
}

/** Facts answer the question they were read for, and no other. */
function assertAbout({ request }: Facts, dataset: string, flags: PromoteFlags): void {
  const asked = [
    ['dataset', dataset, request.dataset_id],
    ['--from', flags.from, request.from_layer],
    ['--to', flags.to, request.to_layer],
    ['--snapshot', flags.snapshot, request.snapshot_id],
    ['--tenant', flags.tenant, request.tenant_id],
  ] as const;
  for (const [name, given, of] of asked) {
    if (given === undefined || given === of) continue;
    throw new Problem('usage', {
      detail: `${flags.facts} holds facts about ${name} ${of}, not ${given}`,
      hint: `govctl promote ${request.dataset_id} --dry-run=offline --facts ${flags.facts}`,
    });
  }
}
