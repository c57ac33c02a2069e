import { Problem, type RouteList, type RouteResponse } from '@govctl/core/api';
import { type PreflightAction, parity, preflightActions } from '@govctl/core/decision';
import { judgedPreflight } from '@govctl/core/handoff';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { preflight } from './declaration.ts';

export type Preflight = RouteResponse<RouteList['preflight.run']>;

export const run: Run<typeof preflight> = async (context, { action, object }, flags) => {
  const body = { action: actionOf(action), object_key: object };
  const document =
    flags.dryRun === undefined
      ? await context.client.call('preflight.run', { body })
      : flags.dryRun === 'server'
        ? await context.client.call('preflight.evaluate', { body })
        : await decidedHere(context, body);
  return { document, names: [object], exit: document.decision === 'allow' ? 'ok' : 'deny' };
};

/** @throws Problem `usage` that lists the actions there are */
export function actionOf(text: string): PreflightAction {
  const action = preflightActions.find((one) => one === text);
  if (action !== undefined) return action;
  const births = /birth|born/i.test(text) ? '; births are never asked: they need a permit and nothing else' : '';
  throw new Problem('usage', {
    detail: `preflight guards no action ${JSON.stringify(text)}${births}`,
    hint: `one of: ${preflightActions.join(', ')}`,
  });
}

/** Facts of govd, decided in this process by the same kernel, and both answers compared. */
export async function decidedHere(
  { client }: Pick<CommandContext, 'client'>,
  body: { action: PreflightAction; object_key: string },
): Promise<Preflight> {
  const theirs = await client.call('preflight.evaluate', { body });
  const { facts } = theirs;
  if (facts === undefined)
    throw new Problem('bug', {
      detail: 'govd evaluated without saying which facts',
      hint: 'govctl preflight ACTION OBJECT --dry-run=server',
    });
  const ours = judgedPreflight(facts);
  const side = ({ kernel_version, input_digest, decision_digest }: typeof ours | Preflight) => ({
    kernel_version,
    policy_rev: null,
    input_digest,
    decision_digest,
  });
  return asDocument('Preflight', { ...ours, dry_run: true, facts, parity: parity(side(ours), side(theirs)) });
}
