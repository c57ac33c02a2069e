/** One node of a V8 CPU profile. */
type ProfileNode = {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
};

/** What `node --cpu-prof` writes; times are microseconds of the machine's monotonic clock. */
export type CpuProfile = {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

/** The work of a promotion, as `stagesOf` names it. */
export const stages = [
  'HTTP and JSON',
  'authentication',
  'validation',
  'facts',
  'gates',
  'CEL',
  'JCS and digests',
  'signing',
  'unit',
  'SQL',
  'sync',
  'Merkle',
  'reply',
  'ids and salts',
  'second place',
  'events after the commit',
  'garbage collection',
  'runtime',
  'idle',
] as const;
export type Stage = (typeof stages)[number];

type Rule = { readonly stage: Stage; readonly name?: RegExp; readonly url?: RegExp };

/** Asked from the innermost frame outwards; the first that answers has the sample. */
const rules: readonly Rule[] = [
  { stage: 'idle', name: /^\(idle\)$/ },
  { stage: 'garbage collection', name: /^\(garbage collector\)$/ },
  { stage: 'JCS and digests', name: /^(canonicalJson|jcsDigest|decisionDigest|factsDigest|digestOf|requestDigest|serialize)$/ },
  { stage: 'JCS and digests', url: /\/canonicalize\// },
  { stage: 'signing', name: /^(signPayload|signCheckpoint|seal|pae|signNote)$/ },
  { stage: 'CEL', name: /^(evaluateRules|bindVariables)$/ },
  { stage: 'gates', name: /^(decide|buildInput)$/ },
  { stage: 'authentication', name: /^(authenticate|authority|hashSecret)$/ },
  { stage: 'facts', name: /^(readFacts)$/ },
  { stage: 'Merkle', name: /^(inclusionProof|leafHash|leafBody|append|root)$/ },
  { stage: 'SQL', name: /^(#write|#run|#apply|#advanceHead)$/ },
  { stage: 'sync', name: /^#flush$/ },
  { stage: 'events after the commit', name: /^(dispatch|dispatchOutbox|round|wake|eventFeed)$/ },
  { stage: 'unit', name: /^(startRun|carryOut|commitPlanned|draftRecord)$/ },
  { stage: 'reply', name: /^(fresh|renderPromotion)$/ },
  { stage: 'ids and salts', name: /^(randomFillSync|randomBytes)$/ },
  {
    stage: 'second place',
    name: /^(writeNote|flush|openFileHandle|writeFileHandle|rename|fsync|writeBuffer|close)$/,
    url: /^$|internal\/fs|main\.mjs/,
  },
  { stage: 'validation', url: /\/zod\/|fastify-type-provider-zod/ },
  { stage: 'HTTP and JSON', url: /\/(fastify|avvio|find-my-way|light-my-request|secure-json-parse|pino|prom-client)\// },
  { stage: 'HTTP and JSON', name: /^(onRequest|preHandler|handler|parserOnHeadersComplete|onread|emit|processTicksAndRejections)$/ },
  { stage: 'runtime', name: /^\((program|root)\)$/ },
];

/** Of each stage, the functions its samples were taken in. */
type Functions = ReadonlyMap<Stage, ReadonlyMap<string, number>>;

/** Microseconds of each stage between two moments of the monotonic clock. */
export function stagesOf(
  profile: CpuProfile,
  from: number,
  to: number,
): { readonly total: number; readonly of: ReadonlyMap<Stage, number>; readonly functions: Functions } {
  const functions = new Map<Stage, Map<string, number>>();
  const parents = new Map<number, number>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const known = new Map<number, Stage>();

  const stageOf = (id: number): Stage => {
    const cached = known.get(id);
    if (cached !== undefined) return cached;
    const node = nodes.get(id);
    const parent = parents.get(id);
    const { functionName = '', url = '' } = node?.callFrame ?? {};
    const rule = rules.find(
      (one) => (one.name === undefined || one.name.test(functionName)) && (one.url === undefined || one.url.test(url)),
    );
    const stage = rule?.stage ?? (parent === undefined ? 'runtime' : stageOf(parent));
    known.set(id, stage);
    return stage;
  };

  const of = new Map<Stage, number>();
  let total = 0;
  let clock = profile.startTime;
  for (const [place, sample] of profile.samples.entries()) {
    const delta = profile.timeDeltas[place] ?? 0;
    clock += delta;
    if (clock < from || clock > to) continue;
    const stage = stageOf(sample);
    of.set(stage, (of.get(stage) ?? 0) + delta);
    total += delta;
    const { functionName, url } = nodes.get(sample)?.callFrame ?? { functionName: '', url: '' };
    const label = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}`.trim();
    const inStage = functions.get(stage) ?? new Map<string, number>();
    functions.set(stage, inStage.set(label, (inStage.get(label) ?? 0) + delta));
  }
  return { total, of, functions };
}
