import { normalHeader } from '../job/input/header.ts';
import type { Industry } from './industry.ts';
import { general, industries } from './library.ts';

/** What is known about a business: what it says of itself, and the words of its data. */
export type BusinessContext = {
  readonly business_profile?: { readonly industry?: string | undefined; readonly description?: string | undefined } | null | undefined;
  /** Column headers of the inputs. */
  readonly headers?: readonly string[];
  /** Names of workspace, datasets and files. */
  readonly names?: readonly string[];
};

export type ClassifiedBy = 'business_profile' | 'keywords' | 'general';

const enough = 2;
// Whoever writes a novel, or ships a thousand columns, is not read to the end.
const maxText = 4096;
const maxPhrases = 400;

/**
 * The industry of a business: what its profile says, else what the words of its data say, else general. The same context always gives
 * the same answer, in whatever order its words come.
 */
export function classifyIndustry(context: BusinessContext): { readonly industry: Industry; readonly by: ClassifiedBy } {
  const { industry = '', description = '' } = context.business_profile ?? {};
  const named = byName(industry) ?? byWords([industry, description]);
  if (named !== undefined) return { industry: named, by: 'business_profile' };
  const found = byWords([...(context.headers ?? []), ...(context.names ?? [])]);
  return found === undefined ? { industry: general, by: 'general' } : { industry: found, by: 'keywords' };
}

function byName(name: string): Industry | undefined {
  const wanted = normalHeader(name.slice(0, maxText));
  return industries.find(({ industry, aliases }) => [normalHeader(industry), ...aliases].some((one) => sameWord(one, wanted)));
}

function byWords(texts: readonly string[]): Industry | undefined {
  // Each text stands alone: the last word of a header and the first of the next are no phrase.
  const phrases = texts.slice(0, maxPhrases).map((text) => ` ${normalHeader(text.slice(0, maxText))} `);
  const holds = (word: string) => phrases.some((phrase) => phrase.includes(` ${word} `) || phrase.includes(` ${word}s `));
  let best: { industry: Industry; points: number } | undefined;
  for (const industry of industries) {
    const strong = [...industry.aliases, ...industry.strong, normalHeader(industry.industry)];
    const points = enough * count(strong, holds) + count(industry.weak, holds);
    // Not `>=`: of equals, the first in the library stays.
    if (points >= enough && (best === undefined || points > best.points)) best = { industry, points };
  }
  return best?.industry;
}

const count = (words: readonly string[], holds: (word: string) => boolean) => [...new Set(words)].filter(holds).length;
const sameWord = (one: string, other: string) => one === other || `${one}s` === other;
