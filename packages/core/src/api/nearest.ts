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
    const distance = distanceOf(word, plain(name));
    if (distance <= mistakes(word) && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** `requiredChecks`, `required-checks` and `REQUIRED_CHECKS` mean the same name. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');

/** Letters to put in, take out, change or swap with their neighbour (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
