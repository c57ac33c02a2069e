import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Detection, detectInput } from './detect.ts';
import { normalHeader } from './header.ts';
import { inputKinds, kindNames } from './kind.ts';
import { headBytes } from './text.ts';

const root = resolve(import.meta.dirname, '../../../../..');
const fixture = (path: string) => detect(readFileSync(resolve(root, 'fixtures/job', path)));
const detect = (content: string | Uint8Array, size?: number): Detection => {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return detectInput(bytes.subarray(0, headBytes), size ?? bytes.length);
};

describe('inputs are known by their columns', () => {
  it('knows the fixtures', () => {
    expect(fixture('invoices/good.csv')).toMatchObject({
      state: 'good',
      kind: 'invoice',
      format: 'csv',
      columns: { invoice_number: 'Invoice No.', supplier: 'Vendor', amount: 'Amount (EUR)', due_date: 'Due Date' },
    });
    expect(fixture('quotes/good.csv')).toMatchObject({
      state: 'good',
      kind: 'quote',
      columns: { amount: 'Total', unit_price: 'Unit Price' },
    });
    for (const kind of ['invoice', 'quote'] as const) {
      expect(fixture(`${kind}s/header-only.csv`)).toEqual({ state: 'empty', kind });
      expect(fixture(`${kind}s/empty.csv`)).toEqual({ state: 'empty', kind: null });
    }
  });

  it('says which column is missing, and which was found instead', () => {
    expect(fixture('invoices/wrong-headers.csv')).toEqual({
      state: 'wrong_headers',
      headers: ['Doc Ref', 'Invoice Date', 'Vendor', 'Amuont'],
      near: [
        {
          kind: 'invoice',
          claims: false,
          missing: [
            { column: 'invoice_number', found: null },
            { column: 'amount', found: 'Amuont' },
          ],
        },
        {
          kind: 'quote',
          claims: false,
          missing: [
            { column: 'quote_number', found: null },
            { column: 'quote_date', found: null },
            { column: 'amount', found: 'Amuont' },
          ],
        },
      ],
    });
    expect(fixture('quotes/wrong-headers.csv')).toEqual({
      state: 'wrong_headers',
      headers: ['Quote ID', 'Quote Date', 'Suplier', 'Valid Until'],
      near: [
        {
          kind: 'quote',
          claims: true,
          missing: [
            { column: 'supplier', found: 'Suplier' },
            { column: 'amount', found: null },
          ],
        },
      ],
    });
    expect(detect('Monthly export,,,\n,,,\nInvoice No,Date,Vendor,Total\n1,2,3,4\n')).toMatchObject({
      near: [{ kind: 'invoice', headers_below: true }],
    });
    // A misspelt number claims the kind as a right one does; the number of an order is no invoice's.
    expect(detect('Invoce Numbr,Date,Vendor,Total\n1,2,3,4\n')).toMatchObject({
      near: [{ kind: 'invoice', claims: true }, { claims: false }],
    });
    expect(detect('Order Number,Date,Vendor,Total\n1,2,3,4\n')).toMatchObject({ near: [{ claims: false }, { claims: false }] });
    expect(detect('sku,colour\n1,red\n')).toEqual({ state: 'wrong_headers', near: [], headers: ['sku', 'colour'] });
    // A first row of values is not repeated to anybody.
    expect(detect('INV-1,2026-01-05,Ada Lovelace,12.50\n')).toEqual({ state: 'wrong_headers', near: [], headers: [] });
  });

  it('tells an invoice that names its quote, and a quote that names its invoice', () => {
    expect(detect('Invoice No,Quote No,Date,Supplier,Total\n1,2,3,4,5\n')).toMatchObject({ kind: 'invoice' });
    expect(detect('Quote No,Invoice No,Date,Supplier,Total\n1,2,3,4,5\n')).toMatchObject({ kind: 'quote' });
    expect(detect('Quote No,Invoice No,Date,Supplier,Total,Due Date\n1,2,3,4,5,6\n')).toMatchObject({ kind: 'invoice' });
  });

  it.each([
    ['a spreadsheet', Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0]), 'an Excel workbook or another ZIP archive'],
    ['zeros', new Uint8Array(100), 'not a text file'],
    ['HTML', '<!DOCTYPE html><table>', 'a page of HTML or XML'],
    ['a JSON array', '[{"invoice_number":1}]', 'one JSON array'],
    ['lines of JSON that are no objects', '{"invoice_number":1}\n7\n', 'JSON, but line 2 is not an object of its own'],
    ['an open quotation mark', `"Invoice No,Date\n${'x'.repeat(headBytes)}`, 'a table whose first line does not end'],
    ['a line without end', 'x'.repeat(headBytes * 2), 'a table whose first line does not end'],
    [
      'thousands with commas',
      'Invoice No,Date,Vendor,Total\n1,2026-01-01,N,1,240.00\n',
      'a table whose rows have more fields than its header',
    ],
  ])('says what it is instead: %s', (_, content, what) => {
    expect(detect(content)).toMatchObject({ state: 'unreadable', what });
  });

  it('looks at the head alone, and does not judge what it cut off', () => {
    const header = 'invoice_number;invoice_date;supplier;amount\n';
    expect(detect(`${header}1;2026-01-05;Müller;1\n2;2026-01`, 10_000_000)).toMatchObject({ state: 'good' });
    // Cut in the middle of a character.
    const cut = new TextEncoder().encode(`${header}1;2026-01-05;Mü`).subarray(0, -1);
    expect(detect(cut, 10_000_000)).toMatchObject({ state: 'good', kind: 'invoice' });
    expect(detect('invoice_number,invoice_date,supplier,amount', 10_000_000)).toMatchObject({ state: 'unreadable' });
    const row = `${'9,'.repeat(400)}\n`;
    expect(detect(`invoice_number,invoice_date,supplier,amount${',x'.repeat(400)}\n${row.repeat(2000)}`)).toMatchObject({ state: 'good' });
  });

  const spelling = fc.constantFrom(
    (words: string) => words,
    (words: string) => words.toUpperCase(),
    (words: string) => words.replaceAll(' ', '_'),
    (words: string) => words.replaceAll(' ', '-'),
    (words: string) => ` ${words} `,
    (words: string) => words.replace(/(^| )(\w)/g, (_, __, letter: string) => letter.toUpperCase()),
    (words: string) => `${words} (EUR)`,
    (words: string) => `${words}.`,
  );
  const table = fc.constantFrom(...kindNames).chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      // A name that two columns of a kind share stands for the first of them: the data may not use it for the second.
      headers: fc.tuple(...inputKinds[kind].required.map(({ name, synonyms }) => fc.constantFrom(normalHeader(name), ...synonyms))),
      spellings: fc.array(spelling, { minLength: 4, maxLength: 4 }),
      form: fc.constantFrom(
        (rows: string[][]) => rows.map((row) => row.join(',')).join('\n'),
        (rows: string[][]) => rows.map((row) => row.join(';')).join('\r\n'),
        (rows: string[][]) => rows.map((row) => row.join('\t')).join('\r'),
        (rows: string[][]) => `\uFEFF${rows.map((row) => row.map((field) => `"${field}"`).join('|')).join('\n')}\n`,
        (rows: string[][]) => `\n\nsep=;\n${rows.map((row) => row.join(';')).join('\n')}`.trimStart(),
        ([headers = [], ...rows]: string[][]) =>
          rows.map((row) => JSON.stringify(Object.fromEntries(headers.map((header, at) => [header, row[at]])))).join('\n'),
      ),
    }),
  );

  it('knows a table whatever its spelling, separators and format', () => {
    fc.assert(
      fc.property(table, ({ kind, headers, spellings, form }) => {
        const spelt = headers.map((header, at) => spellings[at]?.(header) ?? header);
        const found = detect(form([spelt, ['A1', '2026-01-05', 'Northwind', '12.50'], ['A2', '2026-01-06', 'Harbour', '7']]));
        expect(found).toMatchObject({ state: 'good', kind });
      }),
      { numRuns: 300 },
    );
  });

  it('gives an answer to any bytes', () => {
    const states = new Set(['good', 'empty', 'wrong_headers', 'unreadable']);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .array(fc.constantFrom(...'"",;\t|\n\r{}[]:a1é\uFEFF '), { maxLength: 300 })
        .map((parts) => new TextEncoder().encode(parts.join(''))),
    );
    fc.assert(
      fc.property(bytes, fc.nat(10), (content, more) => {
        expect(states.has(detect(content, content.length + more).state)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
