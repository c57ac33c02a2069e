import { jcsDigest } from '../evidence/jcs.ts';
import type { PackRef } from './pack.ts';

/** The digest of the active set of packs, whatever their order: what `policy_rev` means everywhere. */
export function policyRevOf(packs: readonly PackRef[]): string {
  const set = packs.map(({ name, version, digest }) => ({ name, version, digest }));
  return jcsDigest(set.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)));
}

/** The active set after a pack is activated: it replaces the one of its name. */
export function withPack(active: readonly PackRef[], { name, version, digest }: PackRef): PackRef[] {
  return [...active.filter((pack) => pack.name !== name), { name, version, digest }].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The active set after a pack is taken out of it. */
export function withoutPack(active: readonly PackRef[], name: string): PackRef[] {
  return active.filter((pack) => pack.name !== name);
}
