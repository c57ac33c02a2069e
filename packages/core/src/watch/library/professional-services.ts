import type { Industry } from '../industry.ts';

// What a firm of people buys: software by seat, subcontracted hours, and expenses that belong on a client's bill
// (legalclarity.org, "What are billable expenses and how do you track them").
export const professionalServices: Industry = {
  industry: 'professional_services',
  title: 'Professional services',
  aliases: [
    ...['consulting', 'consultancy', 'agency', 'law firm', 'legal', 'accounting', 'software', 'saas', 'it services', 'marketing', 'design'],
    ...['architecture', 'engineering services', 'technology'],
  ],
  strong: ['consulting', 'timesheet', 'billable', 'client code', 'matter number', 'retainer', 'per seat', 'hourly rate', 'engagement'],
  weak: [
    'hours',
    'rate',
    'client',
    'project',
    'subscription',
    'licence',
    'license',
    'seat',
    'user',
    'renewal',
    'travel',
    'expense',
    'plan',
  ],
  items: [
    {
      id: 'renewed-by-itself',
      watch: 'Subscriptions that renewed by themselves',
      why: 'The notice period ends weeks before the invoice comes, and renewals often lose the discount of the first year.',
      sign: 'An annual charge at a higher price than last year’s without a quote in between.',
      terms: ['subscription', 'renewal', 'term', 'plan', 'license', 'licence'],
    },
    {
      id: 'seats-unused',
      watch: 'Seats that are paid for and not used',
      why: 'Seats are added when people join and seldom taken away when they leave.',
      sign: 'More seats on the invoice than people on the payroll who use it; a seat count that only ever grew.',
      terms: ['seat', 'seats', 'user', 'users', 'license', 'licence', 'quantity'],
    },
    {
      id: 'rebill-missed',
      watch: 'Client expenses that were never billed on',
      why: 'Travel, filing fees and licences for one client are recoverable only while the engagement is open.',
      sign: 'Invoices with a client or matter code and no line on that client’s bill of the same or the next month.',
      terms: ['client', 'client code', 'matter number', 'expense', 'travel', 'billable'],
    },
    {
      id: 'rate-and-hours',
      watch: 'Subcontractor hours against the agreed rate and cap',
      why: 'A change of person, an overtime rate or a day too many fits into a monthly total.',
      sign: 'An hourly rate that is not in the statement of work, hours without dates, or a sum above the cap.',
      terms: ['hours', 'rate', 'hourly rate', 'day rate', 'timesheet', 'consultant'],
    },
    {
      id: 'retainer-unused',
      watch: 'Retainers without work against them',
      why: 'Some retainers are prepayment and roll over, others lapse at the end of the month: the agreement says which.',
      sign: 'A monthly retainer beside hourly invoices of the same supplier, or three months without a report of hours.',
      terms: ['retainer', 'monthly fee', 'hours'],
    },
  ],
};
