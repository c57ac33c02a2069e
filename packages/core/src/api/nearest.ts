import { editDistance } from './edit-distance.ts';

/** How many letters may be wrong: one in three, so that `gdp` is not taken for `kpi`. */
const mistakes = (word: string) => Math.max(1, Math.floor(word.length / 3));
/** Longer ones are nobody's slip of the pen, and would cost time. */
const longest = 64;

/** The word that was meant, where one is so near that a slip of the pen explains the other. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  if (given === '' || given.length > longest) return undefined;
  const word = plain(given);
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(word, plain(name));
    if (distance <= mistakes(word) && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** `requiredChecks`, `required-checks` and `REQUIRED_CHECKS` mean the same name. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
