import { isProblem } from '@govctl/core/api';
import {
  buildInput,
  type DecisionDocument,
  decide,
  decisionDigest,
  type Facts,
  kernelVersion,
  type ParityTag,
  parity,
  toFactsFile,
} from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { selftestParity } from './declaration.ts';

type Case = {
  readonly name: string;
  readonly facts: Facts;
  /** What govd said of these facts when it read them; of the corpus it read none. */
  readonly gate: DecisionDocument | null;
};

type Difference = {
  readonly name: string;
  /** Where govd decided: in the gate, or on facts that it was sent. */
  readonly path: 'promotion.evaluate' | 'decision.evaluate';
  readonly tag: ParityTag;
  readonly differs: readonly string[];
  readonly here: string;
  /** Null when govd refused the facts. */
  readonly there: string | null;
};

const steps = [
  ['RAW', 'GDP'],
  ['GDP', 'KPI'],
] as const;

export const run: Run<typeof selftestParity> = async (context, _args, flags) => {
  const { io, signal } = context;
  const { decisionCases } = await import('@govctl/fixtures/decision/corpus.ts');
  const progress = await io.progress('deciding here and there');
  const corpus = decisionCases().map(({ name, facts }): Case => ({ name, facts, gate: null }));
  const live = flags.snapshots === 0 ? [] : await liveCases(context, flags.snapshots);
  const cases = [...corpus, ...live];
  const differing: Difference[] = [];
  let exact = 0;
  for (const [index, one] of cases.entries()) {
    signal.throwIfAborted();
    const found = compared(one, [
      ['decision.evaluate', await decidedThere(context, one.facts)],
      ...(one.gate === null ? [] : ([['promotion.evaluate', one.gate]] as const)),
    ]);
    if (found.length === 0) exact += 1;
    differing.push(...found);
    progress.update({ done: index + 1, total: cases.length, unit: 'records' });
  }
  await progress.done();
  return {
    document: asDocument('ParityReport', {
      cases: cases.length,
      exact,
      corpus: corpus.length,
      live: live.length,
      kernel_version: kernelVersion,
      differing,
    }),
    exit: differing.length === 0 ? 'ok' : 'integrity',
  };
};

/** A govd of another version may not read these facts at all: that is a difference, and not the end of the test. */
async function decidedThere({ client }: CommandContext, facts: Facts): Promise<DecisionDocument | string> {
  try {
    return await client.call('decision.evaluate', { body: toFactsFile(facts) });
  } catch (error) {
    if (isProblem(error) && error.code === 'invalid-request') return error.message;
    throw error;
  }
}

type Answer = readonly [path: Difference['path'], decision: DecisionDocument | string];

function compared({ name, facts }: Case, answers: readonly Answer[]): Difference[] {
  const body = decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
  const ours = { ...body, decision_digest: decisionDigest(body), facts };
  return answers.flatMap(([path, theirs]): Difference[] => {
    if (typeof theirs === 'string')
      return [{ name, path, tag: 'kernel-skew', differs: [`refused: ${theirs}`], here: ours.decision_digest, there: null }];
    // What govd says of itself is not taken on trust: the digest is computed from the body it sent.
    const there = decisionDigest(theirs);
    const { tag, differs } = parity(ours, { ...theirs, decision_digest: there, facts });
    if (tag === 'exact' && theirs.decision_digest === there) return [];
    const said = tag === 'exact' ? ['decision_digest is not that of the decision'] : differs;
    return [{ name, path, tag, differs: said, here: ours.decision_digest, there: theirs.decision_digest }];
  });
}

/** Facts of real snapshots for both steps up, with what the gate makes of them: most are denied, and that too must be the same. */
async function liveCases({ client, io }: CommandContext, limit: number): Promise<Case[]> {
  try {
    const { items } = await client.call('snapshot.ls', { query: { limit } });
    const cases: Case[] = [];
    for (const { snapshot_id, tenant_id, dataset_id } of items) {
      for (const [from_layer, to_layer] of steps) {
        const { facts, decision } = await client.call('promotion.evaluate', {
          body: { run_id: 'dry-run.selftest-parity', tenant_id, dataset_id, from_layer, to_layer, snapshot_id, with_sources: true },
        });
        cases.push({ name: `${tenant_id}/${dataset_id} ${from_layer} -> ${to_layer} ${snapshot_id}`, facts, gate: decision });
      }
    }
    return cases;
  } catch (error) {
    if (!isProblem(error) || error.code !== 'forbidden') throw error;
    await io.warn(`only the corpus was compared: ${error.message}`);
    return [];
  }
}
