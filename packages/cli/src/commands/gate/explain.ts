import { Problem } from '@govctl/core/api';
import { buildInput, decide, decidePreflight, type GateAnswer, gateList } from '@govctl/core/decision';
import { compilePacks, lintPack } from '@govctl/core/policy';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import type { gateExplain } from './declaration.ts';

type Answer = Pick<GateAnswer, 'outcome' | 'reason_code' | 'reason' | 'expected' | 'actual' | 'resolve'>;

const severity = ['pass', 'not_required', 'defer', 'fail'] as const;

export const run: Run<typeof gateExplain> = async (context, { code }) => {
  if (code.startsWith('rule:')) return explainRule(context, code);
  const gate = gateList.find((one) => one.code === code);
  if (gate === undefined) {
    throw new Problem('usage', {
      detail: `there is no gate ${JSON.stringify(code)}`,
      hint: `one of: ${gateList.map((one) => one.code).join(', ')}; rules are rule:PACK/RULE`,
    });
  }
  return {
    document: asDocument('GateExplanation', {
      code,
      asks: gate.asks,
      otherwise: gate.otherwise,
      gate_sets: gate.gate_sets,
      answers: await answersOf((answer) => answer.code === code),
    }),
  };
};

/** One answer a reason, as the kernel gives them to the corpus: what is shown cannot differ from what is done. */
async function answersOf(wanted: (answer: GateAnswer) => boolean): Promise<Answer[]> {
  const [{ decisionCases }, { preflightCases }] = await Promise.all([
    import('@govctl/fixtures/decision/corpus.ts'),
    import('@govctl/fixtures/decision/preflight.ts'),
  ]);
  const decided = [
    ...decisionCases().map(({ facts }) => decide(buildInput(facts), compilePacks(facts.packs), facts.as_of)),
    ...preflightCases().map(({ facts }) => decidePreflight(facts)),
  ];
  const found = new Map<string, Answer>();
  for (const { gates } of decided) {
    for (const answer of gates) {
      const { outcome, reason_code, reason, expected, actual, resolve } = answer;
      const key = `${outcome} ${reason_code}`;
      if (wanted(answer) && !found.has(key)) found.set(key, { outcome, reason_code, reason, expected, actual, resolve });
    }
  }
  return [...found.values()].toSorted(
    (a, b) => severity.indexOf(a.outcome) - severity.indexOf(b.outcome) || (a.reason_code < b.reason_code ? -1 : 1),
  );
}

async function explainRule({ client }: CommandContext, code: string): Promise<CommandResult> {
  const [name = '', id = ''] = code.slice('rule:'.length).split('/', 2);
  const { source, version, digest, active } = await client.call('policy.get', { params: { pack: name } });
  const rules = lintPack(source).pack?.rules ?? [];
  const rule = rules.find((one) => one.id === id);
  if (rule === undefined) {
    throw new Problem('not-found', {
      detail: `the pack ${name} ${version} has no rule ${JSON.stringify(id)}`,
      hint:
        rules.length === 0 ? `govctl policy show ${name} --source` : `one of: ${rules.map((one) => `rule:${name}/${one.id}`).join(', ')}`,
    });
  }
  return {
    document: asDocument('GateExplanation', {
      code,
      asks: rule.require,
      otherwise: rule.severity,
      on: rule.on,
      message: rule.message,
      resolve: rule.resolve,
      effective_on: rule.effective_on ?? null,
      max_age: rule.max_age ?? null,
      pack: { name, version, digest, active },
      answers: [],
    }),
  };
}
