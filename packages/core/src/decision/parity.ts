import type { ParityTag } from './decision.ts';
import type { Facts } from './facts.ts';

/** One side's decision: what judged, by which policies, on what, and what came out. */
export type ParitySide = {
  readonly kernel_version: string;
  readonly policy_rev: string | null;
  readonly input_digest: string;
  readonly decision_digest: string;
  /** Where both sides have them, the differences are named. */
  readonly facts?: Facts;
};

export type Parity = { readonly tag: ParityTag; readonly differs: string[] };

const maxNamed = 20;

/**
 * Whether two sides judged alike, and if not, why: the kernels, the policies or the facts. Equal inputs with unequal decisions are
 * kernel skew too: two builds that call themselves the same and are not.
 */
export function parity(local: ParitySide, remote: ParitySide): Parity {
  if (local.kernel_version !== remote.kernel_version)
    return { tag: 'kernel-skew', differs: [`kernel_version: ${local.kernel_version} here, ${remote.kernel_version} there`] };
  if (local.policy_rev !== remote.policy_rev)
    return { tag: 'policy-skew', differs: [`policy_rev: ${local.policy_rev} here, ${remote.policy_rev} there`] };
  if (local.input_digest !== remote.input_digest) {
    const named = local.facts !== undefined && remote.facts !== undefined ? differences(local.facts, remote.facts, '') : [];
    return { tag: 'facts-skew', differs: named.length === 0 ? ['input_digest'] : named.slice(0, maxNamed) };
  }
  if (local.decision_digest !== remote.decision_digest) return { tag: 'kernel-skew', differs: ['decision_digest'] };
  return { tag: 'exact', differs: [] };
}

function differences(local: unknown, remote: unknown, path: string): string[] {
  if (Object.is(local, remote)) return [];
  if (typeof local !== 'object' || typeof remote !== 'object' || local === null || remote === null) return [path];
  if (Array.isArray(local) !== Array.isArray(remote)) return [path];
  const [here, there] = [local as Readonly<Record<string, unknown>>, remote as Readonly<Record<string, unknown>>];
  const keys = new Set([...Object.keys(here), ...Object.keys(there)]);
  return [...keys]
    .filter((key) => key !== 'source' || !path.startsWith('/packs/'))
    .flatMap((key) => differences(here[key], there[key], `${path}/${key}`));
}
