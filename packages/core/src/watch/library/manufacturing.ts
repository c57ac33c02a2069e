import type { Industry } from '../industry.ts';

// Quote price against order price against contract price: ventureoutsource.com, "What you should know about quote pricing, purchase
// orders and ERP systems". Over- and under-runs are common practice in made-to-order parts.
export const manufacturing: Industry = {
  industry: 'manufacturing',
  title: 'Manufacturing',
  aliases: ['manufacturer', 'factory', 'production', 'industrial', 'machining', 'fabrication', 'assembly', 'electronics', 'automotive'],
  strong: ['manufacturing', 'bom', 'bill of materials', 'work order', 'part number', 'tooling', 'moq', 'machining', 'raw material'],
  weak: [
    'part',
    'material',
    'alloy',
    'steel',
    'resin',
    'lot',
    'batch',
    'scrap',
    'drawing',
    'revision',
    'assembly',
    'component',
    'supplier part',
  ],
  items: [
    {
      id: 'price-break-missed',
      watch: 'Orders just below a price break',
      why: 'Two small orders cost more than one that reaches the next quantity of the quote.',
      sign: 'Repeated orders of one part within a month at the price of a lower quantity than their sum.',
      terms: ['moq', 'minimum order', 'price break', 'quantity', 'unit price'],
    },
    {
      id: 'surcharge-left-on',
      watch: 'Material and energy surcharges without their index',
      why: 'Surcharges come with a rise and stay after the index that justified them has fallen.',
      sign: 'A surcharge line without index and month, or with the same percentage for three invoices in a row.',
      terms: ['surcharge', 'alloy surcharge', 'material surcharge', 'energy', 'index'],
    },
    {
      id: 'tooling-paid-twice',
      watch: 'Tooling that was paid once and is in the part price too',
      why: 'Tooling is paid up front or spread over the first parts, and the spread does not end by itself.',
      sign: 'A tooling line and a part price that did not fall after the agreed number of parts.',
      terms: ['tooling', 'tool', 'mold', 'die', 'setup', 'nre'],
    },
    {
      id: 'overrun-accepted',
      watch: 'Delivered quantities above the order',
      why: 'Over-runs within a usual tolerance are invoiced in full, whether you need the parts or not.',
      sign: 'An invoiced quantity above the ordered one, again and again by nearly the same percentage.',
      terms: ['ordered', 'quantity ordered', 'delivered', 'over run'],
    },
    {
      id: 'expedite-fees',
      watch: 'Expedite fees on orders that were not late on your side',
      why: 'A supplier who is late and ships fast may charge you for the speed.',
      sign: 'An expedite or premium freight line on an order that was placed with the quoted lead time.',
      terms: ['expedite', 'rush', 'lead time', 'premium freight', 'freight'],
    },
  ],
};
