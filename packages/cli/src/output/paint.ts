/** What a text means; colour only underlines what the words say already. */
export type Paint = {
  good(text: string): string;
  bad(text: string): string;
  wait(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
};

const same = (text: string) => text;

/** The colours, or none at all; without colour the library is not even loaded. */
export async function createPaint(color: boolean): Promise<Paint> {
  if (!color) return { good: same, bad: same, wait: same, strong: same, faint: same };
  return (await import('./color.ts')).colors();
}

const goodWords = new Set([
  'allow',
  'pass',
  'passed',
  'ok',
  'completed',
  'active',
  'verified',
  'succeeded',
  'done',
  'ready',
  'true',
  'clean',
]);
const badWords = new Set(['deny', 'fail', 'failed', 'error', 'rejected', 'cancelled', 'quarantined', 'revoked', 'withdrawn', 'false']);
const waitWords = new Set(['defer', 'deferred', 'warn', 'pending', 'waiting', 'paused', 'skipped', 'stale']);

/** A verdict or status in its colour; any other text as it is. */
export function paintWord(paint: Paint, word: string): string {
  const lower = word.toLowerCase();
  if (goodWords.has(lower)) return paint.good(word);
  if (badWords.has(lower)) return paint.bad(word);
  return waitWords.has(lower) ? paint.wait(word) : word;
}
