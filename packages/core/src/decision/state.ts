import { jcsDigest } from '../evidence/jcs.ts';
import type { DecisionBody } from './decision.ts';
import type { ContractFact, Facts } from './facts.ts';

/** Something a saved plan was made on that is another now. */
export type Moved = { readonly what: string; readonly before: string; readonly after: string };

/**
 * The facts without what moves by itself: the time they were read, who asks, and how far the tail has come meanwhile. Two readings of a
 * deployment that stood still have the same.
 */
function standing(facts: Facts) {
  const { as_of: _time, request, coverage, packs, ...rest } = facts;
  const { actor: _actor, grants: _grants, ...asked } = request;
  const { state, object_key, covered } = coverage ?? { state: null, object_key: null, covered: null };
  return {
    ...rest,
    request: asked,
    coverage: { state, object_key, covered },
    packs: packs.map(({ name, version, digest }) => ({ name, version, digest })),
  };
}

/** Digest of what a plan relies on. Another one means that something moved. */
export function stateDigest(facts: Facts): string {
  return jcsDigest(standing(facts));
}

const none = 'none';
const ids = (values: readonly string[]) => (values.length === 0 ? none : values.join(', '));

/** How each part of the facts is said in a word or two. Where the words are the same and the part is not, its digests are said too. */
const words: { readonly [K in string]: (facts: Facts) => string } = {
  snapshot: ({ snapshot }) =>
    snapshot === null
      ? none
      : `${snapshot.snapshot_id} ${snapshot.snapshot_hash}, ${snapshot.verification}, ${snapshot.missing_objects} objects missing${snapshot.quarantined_at === null ? '' : ', quarantined'}`,
  policy: ({ policy }) => policy?.policy_rev ?? none,
  contract: ({ contract }) => contractText(contract),
  environment: ({ environment }) => `${environment.name}, configuration ${environment.config_digest ?? none}`,
  kernel_version: ({ kernel_version }) => kernel_version,
  packs: ({ packs }) => ids(packs.map(({ name, version }) => `${name}@${version}`)),
  checks: ({ checks }) => ids(checks.map(({ name, status }) => `${name} ${status}`)),
  lock: ({ lock }) => (lock === null ? 'free' : `held by ${lock.holder}`),
  holds: ({ holds }) => ids(holds.map(({ hold_id }) => hold_id)),
  pending_audits: ({ pending_audits }) => ids(pending_audits.map(({ audit_id }) => audit_id)),
  coverage: ({ coverage }) => (coverage === null ? none : `${coverage.state}, ${coverage.covered === true ? '' : 'not '}covered`),
  ospa_count: ({ ospa_count }) => String(ospa_count ?? none),
  signer_keys: ({ signer_keys }) => ids(signer_keys.map(({ key_id }) => key_id)),
  approvals: ({ approvals }) => ids(approvals.map(({ approval_id }) => approval_id)),
  job_run: ({ job_run }) => (job_run === undefined ? none : `${job_run.run_id} ${job_run.phase}/${job_run.status}`),
  suspension: ({ suspension }) => suspension?.suspension_id ?? none,
  waivers: ({ waivers }) => ids(waivers.map(({ waiver_id }) => waiver_id)),
};

function contractText(contract: ContractFact | null): string {
  return contract === null ? none : `${contract.body.contract_id}@${contract.version}`;
}

/** What is another now, part by part, in the words of before and after. Empty where nothing a plan relies on moved. */
export function movedBetween(before: Facts, after: Facts): Moved[] {
  const [was, is] = [standing(before), standing(after)];
  const moved: Moved[] = [];
  const compare = (what: string, a: unknown, b: unknown, textA: string, textB: string) => {
    const [digestA, digestB] = [jcsDigest(a), jcsDigest(b)];
    if (digestA === digestB) return;
    const same = textA === textB;
    moved.push({ what, before: same ? `${textA} (${digestA})` : textA, after: same ? `${textB} (${digestB})` : textB });
  };
  const { from_layer, to_layer } = before.request;
  for (const [side, layer] of [
    ['from', from_layer],
    ['to', to_layer],
  ] as const) {
    const text = (pointer: Facts['pointers']['to']) => (pointer === null ? none : `${pointer.generation} (${pointer.snapshot_id})`);
    const [a, b] = [was.pointers[side], is.pointers[side]];
    compare(`ACTIVE generation of ${layer}`, a, b, text(a), text(b));
  }
  const { pointers: _was, ...rest } = was;
  for (const key of Object.keys(rest) as (keyof typeof rest)[]) {
    const text = words[key] ?? ((facts: Facts) => JSON.stringify(facts[key]));
    compare(key, rest[key], is[key], text(before), text(after));
  }
  return moved;
}

/** Where nothing moved and the answer is another: time alone did it, and these are the gates that noticed. */
export function answersMoved(before: DecisionBody, after: DecisionBody): Moved[] {
  const text = ({ outcome, reason_code }: DecisionBody['gates'][number]) => (outcome === 'pass' ? outcome : `${outcome} (${reason_code})`);
  const was = new Map(before.gates.map((gate) => [gate.code, text(gate)]));
  const gates = after.gates.flatMap((gate) => {
    const [a, b] = [was.get(gate.code) ?? 'not asked', text(gate)];
    return a === b ? [] : [{ what: `answer of ${gate.code}`, before: a, after: b }];
  });
  return before.decision === after.decision ? gates : [{ what: 'decision', before: before.decision, after: after.decision }, ...gates];
}
