/** A column a kind of input must have, and what it is called out there. Names are compared as `normalHeader` writes them. */
export type Column = {
  readonly name: string;
  readonly synonyms: readonly string[];
  /** Nothing else has it: a table with this column means to be of this kind. */
  readonly mark?: true;
};

/** A kind of input that is known by its column headers, never by the name of a file. */
export type InputKind = {
  /** What one such table holds, as a sentence says it. */
  readonly plural: string;
  readonly required: readonly Column[];
  /** Not asked for; where two kinds would fit, these tell which one it is. */
  readonly optional: readonly Column[];
};

const supplier = {
  name: 'supplier',
  synonyms: [
    ...['supplier name', 'supplier id', 'vendor', 'vendor name', 'vendor id', 'payee', 'biller', 'seller', 'merchant', 'company'],
    ...['company name', 'from', 'creditor'],
  ],
};
const currency = { name: 'currency', synonyms: ['currency code', 'ccy', 'curr'] };
const description = { name: 'description', synonyms: ['item', 'line item', 'memo', 'details', 'service', 'product'] };

export const inputKinds = {
  invoice: {
    plural: 'invoices',
    required: [
      {
        name: 'invoice_number',
        synonyms: [
          ...['invoice', 'invoice no', 'invoice num', 'invoice nr', 'invoice id', 'invoice code', 'invoice ref', 'invoice reference'],
          ...['inv', 'inv no', 'inv num', 'inv nr', 'inv number', 'inv id', 'bill no', 'bill number', 'bill id'],
        ],
        mark: true,
      },
      {
        name: 'invoice_date',
        synonyms: ['date', 'inv date', 'date of invoice', 'issue date', 'issued', 'issued on', 'date issued', 'bill date', 'billing date'],
      },
      supplier,
      {
        name: 'amount',
        synonyms: [
          ...['total', 'total amount', 'amount total', 'invoice amount', 'invoice total', 'inv amount', 'inv total', 'amount due'],
          ...['total due', 'balance due', 'gross', 'gross amount', 'net amount', 'grand total', 'amt', 'bill amount'],
        ],
      },
    ],
    optional: [
      { name: 'due_date', synonyms: ['due', 'due on', 'payment due', 'date due', 'pay by'] },
      { name: 'tax', synonyms: ['vat', 'tax amount', 'vat amount', 'sales tax', 'gst'] },
      { name: 'purchase_order', synonyms: ['po', 'po no', 'po number', 'purchase order number', 'order number'] },
      currency,
      description,
    ],
  },
  quote: {
    plural: 'quotes',
    required: [
      {
        name: 'quote_number',
        synonyms: [
          ...['quote', 'quote no', 'quote num', 'quote nr', 'quote id', 'quote ref', 'quote reference', 'quotation', 'quotation no'],
          ...[
            'quotation number',
            'quotation id',
            'estimate no',
            'estimate number',
            'estimate id',
            'offer no',
            'offer number',
            'proposal number',
          ],
        ],
        mark: true,
      },
      {
        name: 'quote_date',
        synonyms: [
          'date',
          'quoted on',
          'date quoted',
          'quotation date',
          'estimate date',
          'offer date',
          'issue date',
          'issued',
          'issued on',
        ],
      },
      supplier,
      {
        name: 'amount',
        synonyms: [
          ...['total', 'total amount', 'quote amount', 'quote total', 'quoted amount', 'quoted price', 'quoted total', 'estimate amount'],
          ...['offer amount', 'price', 'total price', 'gross', 'gross amount', 'net amount', 'grand total', 'amt'],
        ],
      },
    ],
    optional: [
      { name: 'valid_until', synonyms: ['valid to', 'valid through', 'expires', 'expires on', 'expiry', 'expiry date', 'expiration date'] },
      { name: 'lead_time', synonyms: ['delivery time', 'delivery', 'lead time days'] },
      { name: 'quantity', synonyms: ['qty', 'units'] },
      { name: 'unit_price', synonyms: ['price per unit', 'rate', 'unit cost'] },
      currency,
      description,
    ],
  },
} as const satisfies { readonly [kind: string]: InputKind };

export type KindName = keyof typeof inputKinds;
export const kindNames = Object.keys(inputKinds) as [KindName, ...KindName[]];
