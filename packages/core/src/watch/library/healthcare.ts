import type { Industry } from '../industry.ts';

// Price exceptions are three to ten times as common as quantity ones (hpnonline.com, "The price is wrong: the cost of a discrepant
// order", GHX data); wrong tier and unit of measure: invoicedataextraction.com/blog/gpo-invoice-reconciliation.
export const healthcare: Industry = {
  industry: 'healthcare',
  title: 'Healthcare',
  aliases: [
    'health care',
    'hospital',
    'clinic',
    'medical practice',
    'dental',
    'pharmacy',
    'nursing home',
    'laboratory',
    'veterinary',
    'medical',
  ],
  strong: ['healthcare', 'hospital', 'ndc', 'gpo', 'implant', 'pharmacy', 'patient', 'hcpcs', 'clinic', 'medical device', 'bill only'],
  weak: ['medical', 'dose', 'sterile', 'catalog number', 'lot', 'expiry', 'surgical', 'ward', 'physician', 'device', 'reagent', 'tier'],
  items: [
    {
      id: 'wrong-contract-tier',
      watch: 'Prices of another contract tier than yours',
      why: 'Group contracts have tiers by commitment, and a new site or a renewal falls back to the first one.',
      sign: 'One catalog number at two prices across sites, or a jump in price in the month after a contract was renewed.',
      terms: ['gpo', 'tier', 'contract', 'contract price', 'catalog number'],
    },
    {
      id: 'unit-of-measure',
      watch: 'Each, box and case mixed up',
      why: 'The item master, the contract and the invoice count the same item in different units.',
      sign: 'A unit price that is 10, 12, 50 or 100 times the last one, or a unit of measure the contract does not have.',
      terms: ['uom', 'unit of measure', 'pack', 'quantity', 'unit price'],
    },
    {
      id: 'bill-only-implant',
      watch: 'Implants that are billed after use without a case',
      why: 'Bill-only items never pass receiving: the usage sheet is the only proof that they were used.',
      sign: 'An implant line without lot or serial number, case date or a signed usage sheet; two lines for one case.',
      terms: ['implant', 'lot', 'serial number', 'bill only', 'case'],
    },
    {
      id: 'off-contract-item',
      watch: 'Items bought beside the contract',
      why: 'An item outside the contract costs more and does not count for your tier.',
      sign: 'A manufacturer or catalog number that no contract lists, beside a contracted item of the same use.',
      terms: ['manufacturer', 'catalog number', 'contract', 'supplier'],
    },
    {
      id: 'short-dated-stock',
      watch: 'Goods with little time left',
      why: 'Short-dated stock is often sold as returnable only for a few days after delivery.',
      sign: 'Expiry within 90 days of the delivery date, and no credit terms for expired goods on the quote.',
      terms: ['expiry', 'expiration date', 'expires', 'lot'],
    },
  ],
};
