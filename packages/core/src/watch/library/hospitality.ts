import type { Industry } from '../industry.ts';

// Drift from agreed prices, shorts and substitutions: krostcpas.com "Where's that invoice", supy.io on supplier overcharging,
// restaurantexperts.com on receiving practices.
export const hospitality: Industry = {
  industry: 'hospitality',
  title: 'Hospitality',
  aliases: ['restaurant', 'hotel', 'catering', 'cafe', 'bar', 'bakery', 'food service', 'foodservice', 'pub', 'canteen'],
  strong: ['restaurant', 'hotel', 'catering', 'menu', 'food cost', 'beverage', 'kitchen', 'produce', 'foodservice'],
  weak: ['food', 'meat', 'dairy', 'seafood', 'wine', 'beer', 'linen', 'guest', 'room', 'perishable', 'weight', 'kg', 'crate', 'keg'],
  items: [
    {
      id: 'price-creep',
      watch: 'Small rises on the items you order most',
      why: 'A few per cent on a weekly item is within the swing of market prices, and is not announced.',
      sign: 'A unit price above the agreed list for three deliveries in a row, while others of the group did not move.',
      terms: ['unit price', 'price', 'price per kg', 'item'],
    },
    {
      id: 'shorts-paid',
      watch: 'Shorts and rejects without a credit',
      why: 'The driver notes what was missing on the delivery slip; the invoice was printed before.',
      sign: 'A delivery slip with a correction and an invoice without one; no credit within a week.',
      terms: ['delivered', 'short', 'credit', 'delivery note', 'quantity'],
    },
    {
      id: 'catch-weight',
      watch: 'Meat and fish billed by nominal weight',
      why: 'Items of varying weight are priced by the kilo and delivered by the piece.',
      sign: 'Round weights on every line, or an invoiced weight above the one that was weighed at the door.',
      terms: ['weight', 'kg', 'lb', 'catch weight', 'meat', 'seafood'],
    },
    {
      id: 'substitution-price',
      watch: 'Substitutes at the price of the original',
      why: 'Another brand or grade changes yield and price; the invoice often changes only the description.',
      sign: 'An item code that is not on your order guide, with the price of one that is.',
      terms: ['item code', 'brand', 'grade', 'description', 'sub'],
    },
    {
      id: 'deposits-not-returned',
      watch: 'Deposits on kegs, crates and pallets',
      why: 'Deposits are charged with each delivery and credited only when somebody counts what went back.',
      sign: 'Deposit charges on every delivery, without credits for returned empties.',
      terms: ['deposit', 'keg', 'crate', 'pallet', 'empties'],
    },
  ],
};
