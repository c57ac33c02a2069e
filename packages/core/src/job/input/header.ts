import { editDistance } from '../../api/edit-distance.ts';

const currencies = new Set(['eur', 'usd', 'gbp', 'chf', 'jpy', 'cad', 'aud', 'sek', 'nok', 'dkk', 'pln', 'czk']);

/**
 * A column header as headers are compared: `InvoiceNo.`, ` INVOICE_NO ` and `"Invoice No"` are all `invoice no`. What stands in
 * brackets, and a currency at the end, say in what a column is counted, not what it is.
 */
export function normalHeader(header: string): string {
  const words = header
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[([{][^)\]}]*[)\]}]/g, ' ')
    .replace(/#/g, ' no ')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  while (words.length > 1 && currencies.has(words.at(-1) ?? '')) words.pop();
  return words.join(' ');
}

// Longer headers are sentences, and not worth the time it takes to compare them.
const maxCompared = 40;

/** How alike two normal headers are, 0 to 1: one less for each letter that is missing, added, changed or swapped with the next. */
export function likeness(one: string, other: string): number {
  const longest = Math.max(one.length, other.length);
  if (longest === 0 || longest > maxCompared) return 0;
  return 1 - editDistance(one, other) / longest;
}
