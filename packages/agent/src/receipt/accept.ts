/**
 * Whether a caller would rather have a page than a document. A browser says so; a program that takes anything gets the document.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const offers = (accept ?? '*/*').split(',', 32).map(offerOf);
  const html = weightOf(offers, 'text/html');
  return html > 0 && html > weightOf(offers, 'application/json');
}

type Offer = { readonly type: string; readonly weight: number };

function offerOf(text: string): Offer {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const q = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1');
  return { type, weight: q >= 0 && q <= 1 ? q : 0 };
}

/** The most specific range that names a type decides (RFC 9110, 12.5.1). */
function weightOf(offers: readonly Offer[], type: string): number {
  const ranges = [type, `${type.split('/')[0]}/*`, '*/*'];
  for (const range of ranges) {
    const offer = offers.find((one) => one.type === range);
    if (offer !== undefined) return offer.weight;
  }
  return 0;
}
