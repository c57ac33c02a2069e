import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyIndustry } from './classify.ts';
import { industrySchema } from './industry.ts';
import { general, industries } from './library.ts';
import { maxWatchItems, watchListFor } from './watch-list.ts';

const library = [...industries, general];

describe('the library of watch items', () => {
  it('has seven industries and general, in a closed form', () => {
    expect(industries).toHaveLength(7);
    expect(new Set(library.map(({ industry }) => industry)).size).toBe(8);
    for (const industry of library) expect(industrySchema.safeParse(industry).error?.issues ?? []).toEqual([]);
    const ids = library.flatMap(({ items }) => items.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says what is and what to look for, and forecasts nothing', () => {
    for (const { industry, items } of library) {
      for (const { id, watch, why, sign } of items) {
        const text = `${watch} ${why} ${sign}`;
        expect(text, `${industry}/${id}`).not.toMatch(
          /\b(will|shall|forecast|predict|expected to|likely|trend|soon|next (year|quarter)|KPI|dashboard)\b|[!?]/iu,
        );
      }
    }
  });

  it('knows each industry by what it is called, and no name stands for two', () => {
    const names = industries.flatMap(({ industry, aliases }) => [industry.replaceAll('_', ' '), ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const { industry, aliases } of industries) {
      for (const name of [industry, ...aliases]) {
        expect(classifyIndustry({ business_profile: { industry: name.toUpperCase() } })).toMatchObject({
          industry: { industry },
          by: 'business_profile',
        });
      }
    }
  });
});

describe('industry classification', () => {
  it('goes by the business profile first', () => {
    const headers = ['SKU', 'UPC', 'Store Number'];
    expect(watchListFor({ business_profile: { industry: 'Hospital' }, headers })).toMatchObject({
      industry: 'healthcare',
      classified_by: 'business_profile',
    });
    const description = 'We run three restaurants and a small hotel.';
    expect(watchListFor({ business_profile: { description }, headers })).toMatchObject({ industry: 'hospitality' });
  });

  it('goes by the words of headers and names where the profile says nothing', () => {
    const of = (headers: string[], names: string[] = []) => watchListFor({ business_profile: { industry: 'other' }, headers, names });
    expect(of(['Invoice No', 'Retainage', 'Amount'])).toMatchObject({ industry: 'construction', classified_by: 'keywords' });
    expect(of(['invoice_number', 'amount'], ['hotel-invoices'])).toMatchObject({ industry: 'hospitality' });
    expect(of(['Shipment', 'Origin', 'Total'])).toMatchObject({ industry: 'logistics' });
    // One weak word proves nothing, and half a word is none.
    expect(of(['Project', 'Amount'])).toMatchObject({ industry: 'general', classified_by: 'general' });
    expect(of(['Possible', 'Menuet'])).toMatchObject({ industry: 'general' });
  });

  it('falls back to general', () => {
    expect(watchListFor({})).toMatchObject({ industry: 'general', classified_by: 'general' });
    expect(watchListFor({ business_profile: null, headers: ['a'], names: ['b'] })).toMatchObject({ industry: 'general' });
  });

  it('breaks ties by the order of the library, in whatever order the words come', () => {
    expect(watchListFor({ headers: ['Menu', 'SKU'] })).toMatchObject({ industry: 'retail' });
    const words = fc.constantFrom('SKU', 'menu', 'retainage', 'ndc', 'lane', 'freight', 'seat', 'hours', 'lot', 'Amount');
    fc.assert(
      fc.property(fc.uniqueArray(words, { minLength: 1 }), (headers) => {
        const one = watchListFor({ headers });
        expect(watchListFor({ headers: headers.toReversed() })).toEqual(one);
        expect(watchListFor({ headers: headers.map((header) => ` ${header.toLowerCase()}_`) })).toEqual(one);
      }),
    );
  });

  it('shows at most four items, those first that the columns speak of', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), fc.string(), (headers, industry) => {
        const { items } = watchListFor({ business_profile: { industry, description: industry }, headers, names: headers });
        expect(items.length).toBeLessThanOrEqual(maxWatchItems);
        expect(items.length).toBeGreaterThan(0);
      }),
    );
    const first = (headers: string[]) => watchListFor({ business_profile: { industry: 'hospitality' }, headers }).items.map(({ id }) => id);
    expect(first([])).toEqual(['price-creep', 'shorts-paid', 'catch-weight', 'substitution-price']);
    expect(first(['Deposit', 'Keg', 'Amount'])[0]).toBe('deposits-not-returned');
  });
});
