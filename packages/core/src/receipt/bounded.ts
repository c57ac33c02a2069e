import { receiptLimits } from './receipt.ts';

const more = '...';

/** As much of a text as fits, well-formed, and seen to be cut. */
export function clip(text: string, limit: number = receiptLimits.text): string {
  const whole = text.toWellFormed();
  if (whole.length <= limit) return whole;
  const cut = whole.slice(0, limit - more.length);
  // A pair that was cut in half is no character.
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}${more}`;
}

export function clipOrNull(text: string | null | undefined, limit: number = receiptLimits.text): string | null {
  return text === null || text === undefined ? null : clip(text, limit);
}

/** The first entries, and how many there are besides. */
export function most<T>(items: readonly T[], limit: number): { readonly kept: readonly T[]; readonly left: number } {
  return { kept: items.slice(0, limit), left: Math.max(0, items.length - limit) };
}

/** The first and the last: of a long history its beginning and its end. */
export function bothEnds<T>(items: readonly T[], limit: number): { readonly kept: readonly T[]; readonly left: number } {
  if (items.length <= limit) return { kept: items, left: 0 };
  const head = Math.ceil(limit / 2);
  return { kept: [...items.slice(0, head), ...items.slice(items.length - (limit - head))], left: items.length - limit };
}
