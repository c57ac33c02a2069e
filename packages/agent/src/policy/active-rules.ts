import type { PackRef } from '@govctl/core/policy';
import type { PackStore } from '../promotion/facts.ts';
import type { CompiledPacks } from './pack-store.ts';

/** Codes of the rules of the active packs, with whether each may be set aside. */
export async function activeRules(
  packs: PackStore & CompiledPacks,
  active: readonly PackRef[],
): Promise<ReadonlyMap<string, { readonly waivable: boolean }>> {
  const stored = await packs.factsOf(active);
  return new Map(
    packs.compiled(stored).flatMap((pack) => pack.rules.map(({ code, rule }) => [code, { waivable: rule.waivable !== false }] as const)),
  );
}
