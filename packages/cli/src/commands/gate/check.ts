import { Problem } from '@govctl/core/api';
import { buildInput, type DecisionBody, decide, fromFactsFile, type GateAnswer, gateList, preflightGates } from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import type { CommandContext, Run } from '../../command.ts';
import type { FlagValues } from '../../flag.ts';
import { readJsonFile } from '../../io/json-file.ts';
import { gateRenderings } from '../../output/gate-report.ts';
import { asDocument } from '../../output/result.ts';
import { checkPreflight } from './check-preflight.ts';
import type { gateCheck } from './declaration.ts';

type Flags = FlagValues<NonNullable<(typeof gateCheck)['flags']>>;

const exits = { pass: 'ok', not_required: 'ok', fail: 'deny', defer: 'defer' } as const;

export const run: Run<typeof gateCheck> = async (context, { code, dataset }, flags) => {
  if (preflightGates.some((gate) => gate.code === code)) {
    const { action, ...others } = flags;
    const [lone] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (lone !== undefined)
      throw new Problem('usage', { detail: `${code} is no gate of a promotion: --${lone} has no meaning`, hint: `leave --${lone} out` });
    return await checkPreflight(context, code, dataset, action);
  }
  if (flags.action !== undefined)
    throw new Problem('usage', { detail: `${code} is a gate of promotions: --action has no meaning`, hint: 'leave --action out' });
  const decision = flags.facts === undefined ? await asked(context, dataset, flags) : await decidedHere(context, dataset, flags);
  const answer = answerOf(decision, code);
  const { subject, run_id: _run, promotion_type, policy_rev, kernel_version, input_digest, valid_from } = decision;
  return {
    document: asDocument('GateCheck', {
      ...answer,
      asks: gateList.find((gate) => gate.code === answer.code)?.asks ?? `Does ${answer.code} hold?`,
      subject,
      promotion_type,
      as_of: valid_from,
      policy_rev,
      kernel_version,
      input_digest,
    }),
    exit: exits[answer.outcome],
    renderings: gateRenderings({ ...decision, gates: [answer] }),
  };
};

/** Every gate is asked, for all of them see the same facts; one answer is shown. */
async function asked({ client, cwd, target }: CommandContext, dataset: string | undefined, flags: Flags): Promise<DecisionBody> {
  const { from, to, snapshot } = flags;
  if (dataset === undefined || from === undefined || to === undefined || snapshot === undefined) {
    throw new Problem('usage', {
      detail: 'a gate is asked about a promotion: DATASET, --from, --to and --snapshot are needed',
      hint: 'name them, or facts that were kept: --facts FILE',
    });
  }
  const evidence = flags.evidence === undefined ? {} : { evidence: (await readJsonFile(cwd, '--evidence', flags.evidence)) as object };
  const { decision } = await client.call('promotion.evaluate', {
    body: {
      // Part of the facts, and the same each time: two checks of the same state are the same check.
      run_id: 'dry-run.gate-check',
      dataset_id: dataset,
      tenant_id: flags.tenant ?? (await target()).tenant,
      from_layer: from,
      to_layer: to,
      snapshot_id: snapshot,
      ...evidence,
      ...(flags.effectiveTime === undefined ? {} : { effective_time: flags.effectiveTime }),
    },
  });
  return decision;
}

async function decidedHere({ cwd }: CommandContext, dataset: string | undefined, flags: Flags): Promise<DecisionBody> {
  const { facts: file, effectiveTime, ...others } = flags;
  const [lone] = [...Object.entries(others), ['DATASET', dataset] as const].filter(([, value]) => value !== undefined);
  if (lone !== undefined) {
    const name = lone[0] === 'DATASET' ? lone[0] : `--${lone[0]}`;
    throw new Problem('usage', {
      detail: `${name} has no meaning with --facts: the facts say what they are about`,
      hint: `leave ${name} out`,
    });
  }
  const facts = fromFactsFile(await readJsonFile(cwd, '--facts', file ?? ''));
  return decide(buildInput(facts), compilePacks(facts.packs), effectiveTime ?? facts.as_of);
}

function answerOf({ gates }: DecisionBody, code: string): GateAnswer {
  const answer = gates.find((gate) => gate.code === code);
  if (answer !== undefined) return answer;
  throw new Problem('usage', {
    detail: `this promotion is not asked ${JSON.stringify(code)}`,
    hint: `one of: ${gates.map((gate) => gate.code).join(', ')}`,
  });
}
