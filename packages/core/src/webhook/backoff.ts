/** How a failed attempt is repeated. */
export type Backoff = { readonly base_ms: number; readonly factor: number; readonly cap_ms: number };

/**
 * The pause after so many failures, in milliseconds: it grows, has an end, and is spread by up to a fifth, so that those who failed
 * together do not come back together.
 * @param random from 0 to 1, 1 excluded
 */
export function backoffMs({ base_ms, factor, cap_ms }: Backoff, failures: number, random: number): number {
  const pause = Math.min(cap_ms, base_ms * factor ** Math.max(0, failures - 1));
  return Math.round(pause * (0.8 + random * 0.4));
}
