import type { Industry } from '../industry.ts';

// Duplicates are mostly resent and rebilled invoices, not copies of one (APQC's benchmark on duplicate or erroneous disbursements;
// zedly.ai/blog/prevent-duplicate-payments-accounts-payable-controls-checklist). Changed bank details: FBI IC3 on business e-mail compromise.
export const general: Industry = {
  industry: 'general',
  title: 'General',
  aliases: [],
  strong: [],
  weak: [],
  items: [
    {
      id: 'billed-twice',
      watch: 'The same charge under two invoice numbers',
      why: 'Suppliers that were not paid yet resend an invoice with a new number or a suffix, and number checks let it pass.',
      sign: 'Same supplier and same amount within 45 days; numbers that differ by a suffix, a leading zero or a dash.',
      terms: ['invoice number', 'invoice no', 'amount', 'total'],
    },
    {
      id: 'quote-drift',
      watch: 'Invoices above the quote they follow',
      why: 'What was agreed is in the quote; what is paid is in the invoice; few compare the two line by line.',
      sign: 'A unit price or total above the quote of the same supplier, or a line that the quote does not have.',
      terms: ['quote number', 'quote id', 'valid until', 'unit price', 'quantity'],
    },
    {
      id: 'changed-bank-details',
      watch: 'A known supplier with new payment details',
      why: 'Redirected payments look like ordinary invoices of a supplier you know.',
      sign: 'An account, bank country or remittance address that differs from the last paid invoice of the same supplier.',
      terms: ['iban', 'account number', 'bank', 'bank account', 'routing number', 'remit to'],
    },
    {
      id: 'split-below-limit',
      watch: 'One purchase in several invoices',
      why: 'Split amounts pass below the limit at which somebody else has to approve.',
      sign: 'Several invoices of one supplier within a few days, each just below your approval limit.',
      terms: ['approver', 'approved by', 'purchase order', 'po number'],
    },
    {
      id: 'credit-not-taken',
      watch: 'Credits that were promised and not taken',
      why: 'A credit note is only worth something once it is set off against an invoice.',
      sign: 'Negative amounts or credit notes older than 60 days without a payment that is smaller by as much.',
      terms: ['credit', 'credit note', 'credit memo', 'balance'],
    },
  ],
};
