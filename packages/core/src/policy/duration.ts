import { z } from 'zod';

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^(\d{1,6})(s|m|h|d)$/;

/** A length of time as people write it in contracts and packs: `90s`, `15m`, `24h`, `7d`. One number, one unit. */
export const durationSchema = z.string().regex(pattern, "a duration: a number and a unit, like '90s', '15m', '24h' or '7d'");

/** Milliseconds of a duration that `durationSchema` accepted; anything else throws a RangeError. */
export function durationMs(text: string): number {
  const match = pattern.exec(text);
  const unit = match?.[2] as keyof typeof units | undefined;
  if (match === null || unit === undefined) throw new RangeError(`not a duration: ${text}`);
  return Number(match[1]) * units[unit];
}
