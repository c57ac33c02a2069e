import { normalHeader } from '../job/input/header.ts';
import { type BusinessContext, type ClassifiedBy, classifyIndustry } from './classify.ts';
import type { Industry } from './industry.ts';

/** No list is longer. */
export const maxWatchItems = 4;

/** What is worth a look beside a receipt: finite, collapsed, and no forecast. */
export type WatchList = {
  readonly industry: string;
  readonly title: string;
  readonly classified_by: ClassifiedBy;
  readonly items: readonly { readonly id: string; readonly watch: string; readonly why: string; readonly sign: string }[];
};

/**
 * The watch list of a business: at most four items of its industry, those first that its columns speak of, else in the order of the
 * library. Pure, and the same for the same context.
 */
export function watchListFor(context: BusinessContext): WatchList {
  const { industry, by } = classifyIndustry(context);
  const headers = new Set((context.headers ?? []).map(normalHeader));
  const touched = ({ terms = [] }: Industry['items'][number]) => terms.filter((term) => headers.has(term)).length;
  const items = industry.items
    .map((item, order) => ({ item, order, points: touched(item) }))
    .sort((a, b) => b.points - a.points || a.order - b.order)
    .slice(0, maxWatchItems)
    .map(({ item: { id, watch, why, sign } }) => ({ id, watch, why, sign }));
  return { industry: industry.industry, title: industry.title, classified_by: by, items };
}
