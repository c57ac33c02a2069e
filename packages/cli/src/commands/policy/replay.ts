import { Problem, type RouteList, type RouteResponse } from '@govctl/core/api';
import { compareCandidate } from '@govctl/core/decision';
import { type CompiledPack, compilePack, durationMs, durationSchema } from '@govctl/core/policy';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { policyReplay } from './declaration.ts';
import { readPack } from './read-pack.ts';

type Past = RouteResponse<RouteList['decision.ls']>['items'][number];

/** Flips that are named; all of them are counted. */
const maxNamed = 500;

export const run: Run<typeof policyReplay> = async (context, _args, flags) => {
  const { source } = await readPack(context, flags.candidate);
  const candidate = compilePack(source);
  const { since, count } = lastOf(flags.last, context.now());
  const packs = storedPacks(context);
  const tally = { decisions: 0, compared: 0, unconcerned: 0, unusable: 0, flips: 0 };
  const items: Flip[] = [];
  const progress = await context.io.progress(`replaying decisions with ${candidate.name} ${candidate.version}`);
  try {
    for await (const past of pastDecisions(context, since, count, flags)) {
      tally.decisions += 1;
      progress.update({ done: tally.decisions, ...(count === undefined ? {} : { total: count }), unit: 'records' });
      const comparison = await compare(past, packs, candidate);
      if (comparison === undefined) tally.unusable += 1;
      else if (!comparison.compared) tally[comparison.why === 'unconcerned' ? 'unconcerned' : 'unusable'] += 1;
      else {
        tally.compared += 1;
        if (comparison.before === comparison.after) continue;
        tally.flips += 1;
        if (items.length < maxNamed && past.decision !== null) items.push(flipOf(past, past.decision, comparison));
      }
    }
  } catch (error) {
    await progress.fail('replaying stopped');
    throw error;
  }
  await progress.done(`${tally.decisions} decisions, ${tally.compared} judged by ${candidate.name}, ${tally.flips} would flip`);
  if (tally.compared === 0) await context.io.warn(`nothing was compared: no decision of that time asked ${candidate.name}`);
  if (tally.unusable > 0)
    await context.io.warn(`of ${tally.unusable} decisions nothing can be said: facts not kept, or another kernel decided otherwise`);
  const { name, version, digest } = candidate;
  return {
    document: asDocument('PolicyReplay', {
      candidate: { name, version, digest },
      since: since ?? null,
      ...tally,
      items,
      truncated: tally.flips > items.length,
    }),
    names: items.map(({ decision_ref }) => decision_ref),
    exit: tally.flips > 0 ? 'findings' : 'ok',
  };
};

type Flip = {
  readonly decision_ref: string;
  readonly run_id: string;
  readonly recorded_at: string;
  readonly dataset_id: string;
  readonly to_layer: string;
  readonly snapshot_id: string;
  readonly before: string;
  readonly after: string;
  readonly rules: readonly { readonly code: string; readonly before: string; readonly after: string }[];
};

type Compared = Extract<ReturnType<typeof compareCandidate>, { compared: true }>;

function flipOf(past: Past, { run_id, subject }: NonNullable<Past['decision']>, { before, after, rules }: Compared): Flip {
  const { dataset_id, to_layer, snapshot_id } = subject;
  return {
    decision_ref: past.decision_ref,
    run_id,
    recorded_at: past.recorded_at,
    dataset_id,
    to_layer,
    snapshot_id,
    before,
    after,
    rules,
  };
}

function lastOf(text: string, now: Date): { readonly since?: string; readonly count?: number } {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return { count: Number(text) };
  if (durationSchema.safeParse(text).success) return { since: new Date(now.getTime() - durationMs(text)).toISOString() };
  throw new Problem('usage', {
    detail: `--last ${text} is no time and no number`,
    hint: "a time, '30d' or '12h', or so many decisions: '200'",
  });
}

/** Page by page, and no page is kept. */
async function* pastDecisions(
  { client }: CommandContext,
  since: string | undefined,
  count: number | undefined,
  { dataset, tenant }: { readonly dataset?: string | undefined; readonly tenant?: string | undefined },
): AsyncGenerator<Past> {
  const filter = {
    ...(since === undefined ? {} : { since }),
    ...(dataset === undefined ? {} : { dataset_id: dataset }),
    ...(tenant === undefined ? {} : { tenant_id: tenant }),
  };
  let left = count ?? Number.POSITIVE_INFINITY;
  let cursor: string | undefined;
  while (left > 0) {
    const page = await client.call(
      'decision.ls',
      { query: { ...filter, limit: Math.min(left, 50), ...(cursor === undefined ? {} : { cursor }) } },
      { timeoutMs: 60_000 },
    );
    yield* page.items;
    left -= page.items.length;
    if (page.next_cursor === null) return;
    cursor = page.next_cursor;
  }
}

type Packs = { of(digests: readonly string[]): Promise<CompiledPack[]> };

/** The packs of that time, each asked for once. */
function storedPacks({ client }: CommandContext): Packs {
  const known = new Map<string, CompiledPack>();
  return {
    async of(digests) {
      const packs: CompiledPack[] = [];
      for (const digest of digests) {
        const pack = known.get(digest) ?? compilePack((await client.call('policy.get', { params: { pack: digest } })).source, digest);
        known.set(digest, pack);
        packs.push(pack);
      }
      return packs;
    },
  };
}

async function compare({ decision, facts }: Past, packs: Packs, candidate: CompiledPack) {
  if (decision === null || facts === null) return undefined;
  return compareCandidate(decision, facts, await packs.of(facts.packs.map(({ digest }) => digest)), candidate);
}
