import { buildInput, decide, decisionDigest } from '@govctl/core/decision';
import { compilePack } from '@govctl/core/policy';
import { decisionCases } from '../../fixtures/decision/corpus.ts';
import { count, type Lab, type Measurement, microseconds, type Section, spreadText } from './measurement.ts';
import { spreadOf } from './spread.ts';

/** Calls a second. */
function rateOf(work: () => unknown, forMs: number): number {
  const started = performance.now();
  let calls = 0;
  while (performance.now() - started < forMs) {
    for (let at = 0; at < 50; at += 1) work();
    calls += 50;
  }
  return (calls * 1000) / (performance.now() - started);
}

async function run(lab: Lab): Promise<Section> {
  const rounds = lab.quick ? 2 : 7;
  const forMs = lab.quick ? 200 : 700;
  const corpus = decisionCases();
  const chosen =
    corpus.find(({ expect, facts }) => expect.decision === 'allow' && facts.request.promotion_type === 'gdp_to_kpi') ?? corpus[0];
  if (chosen === undefined) throw new Error('the corpus is empty');
  const { facts } = chosen;
  const packs = facts.packs.map(({ source }) => compilePack(source ?? ''));
  const input = buildInput(facts);
  const works = [
    { name: 'decide()', work: () => decide(input, packs, facts.as_of) },
    { name: 'buildInput() and decide()', work: () => decide(buildInput(facts), packs, facts.as_of) },
    { name: 'buildInput(), decide() and the digest', work: () => decisionDigest(decide(buildInput(facts), packs, facts.as_of)) },
  ];
  const rates = works.map(() => [] as number[]);
  for (const { work } of works) rateOf(work, forMs);
  for (let round = 0; round < rounds; round += 1) works.forEach(({ work }, place) => void rates[place]?.push(rateOf(work, forMs)));
  const { gates } = decide(input, packs, facts.as_of);
  return {
    title: 'Deciding',
    text: [
      `The kernel in one process, one thread, on the corpus case "${chosen.name}": ${gates.length} gates and rules answer, with packs compiled before, as the daemon and the CLI have them. The three are measured in turns, ${rounds} rounds.`,
    ],
    tables: [
      {
        title: 'Decisions a second',
        head: ['', 'a second', 'each'],
        rows: works.map(({ name }, place) => {
          const spread = spreadOf(rates[place] ?? []);
          return [name, spreadText(spread, count), microseconds(1e6 / spread.median)];
        }),
      },
    ],
    bars: [],
    data: { case: chosen.name, rates: Object.fromEntries(works.map(({ name }, place) => [name, rates[place]])) },
  };
}

export const deciding: Measurement = { name: 'decide', run };
