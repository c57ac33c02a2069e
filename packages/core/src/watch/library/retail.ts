import type { Industry } from '../industry.ts';

// Allowances and price changes are where recovery audits find most (auditrecovery.com/examples.php, sasrecovery.com/retail-recovery-audit).
export const retail: Industry = {
  industry: 'retail',
  title: 'Retail',
  aliases: ['retailer', 'shop', 'store', 'ecommerce', 'e commerce', 'online shop', 'grocery', 'supermarket', 'wholesale', 'consumer goods'],
  strong: ['retail', 'sku', 'upc', 'ean', 'store number', 'merchandise', 'shopify', 'pos', 'markdown'],
  weak: ['store', 'shop', 'barcode', 'category', 'brand', 'case pack', 'promotion', 'shelf', 'season', 'wholesale', 'allowance'],
  items: [
    {
      id: 'allowance-not-deducted',
      watch: 'Promotion allowances missing from invoices',
      why: 'Allowances are agreed by e-mail and end up on no purchase order, so nobody misses them on the invoice.',
      sign: 'Promoted items invoiced at list cost inside the promotion dates; a new SKU of a promoted line without the allowance.',
      terms: ['promotion', 'allowance', 'discount', 'promo'],
    },
    {
      id: 'cost-before-notice',
      watch: 'Cost increases that came before their date',
      why: 'Orders placed before a price change are often protected, and invoiced at the new price all the same.',
      sign: 'Two unit costs of one SKU in the same month; the higher one on orders dated before the announced change.',
      terms: ['sku', 'upc', 'ean', 'unit cost', 'unit price', 'cost'],
    },
    {
      id: 'pack-size',
      watch: 'A unit that changed from case to each',
      why: 'A case price on a single unit, or a smaller pack at the old price, hides in the unit of measure.',
      sign: 'Quantity times unit price that is a multiple of the line total; a pack size that differs from the last order.',
      terms: ['uom', 'unit of measure', 'case pack', 'pack size', 'pack', 'quantity'],
    },
    {
      id: 'returns-uncredited',
      watch: 'Returned goods without a credit at the price paid',
      why: 'Returns are credited at the current or the net price, whichever is lower, unless somebody looks.',
      sign: 'A return without a credit note after 30 days, or credited at another unit cost than it was bought at.',
      terms: ['return', 'rma', 'credit note', 'credit memo'],
    },
    {
      id: 'short-shipments',
      watch: 'Invoiced quantities above those received',
      why: 'Short cartons are signed for at the dock and paid in full at the desk.',
      sign: 'An invoice quantity above the receiving record, most often on the last lines of long deliveries.',
      terms: ['received', 'quantity received', 'delivered', 'shipped'],
    },
  ],
};
