/** Steps that are skipped for the same reason, told of once. */
export function skippedPairs(steps: readonly { readonly step: string; readonly takeaway: string | null }[]): [string, string][] {
  const groups = new Map<string, string[]>();
  for (const { step, takeaway } of steps) if (takeaway !== null) groups.set(takeaway, [...(groups.get(takeaway) ?? []), step]);
  return [...groups].map(([takeaway, names]) => [`skips ${names.join(', ')}`, takeaway]);
}
