import { likeness, normalHeader } from './header.ts';
import { type Column, type InputKind, inputKinds, type KindName, kindNames } from './kind.ts';
import { readTable, type TableFormat } from './table.ts';
import { headBytes, headText } from './text.ts';

/** A column that is not there, and the header that probably stands for it. */
export type MissingColumn = { readonly column: string; readonly found: string | null };

/** How far a table is from being of a kind. */
export type NearMiss = {
  readonly kind: KindName;
  /** It has the column that only this kind has: it means to be of it, so it is broken and not merely something else. */
  readonly claims: boolean;
  readonly missing: readonly MissingColumn[];
  /** All columns are there, below other lines. */
  readonly headers_below?: true;
};

/** What the first bytes of a file show. */
export type Detection =
  | {
      readonly state: 'good';
      readonly kind: KindName;
      readonly format: TableFormat;
      /** Which header stands for which column. */
      readonly columns: Readonly<Record<string, string>>;
      /** All of them, as they are written. */
      readonly headers: readonly string[];
    }
  /** Nothing at all (`kind` is null), or headers without a row. */
  | { readonly state: 'empty'; readonly kind: KindName | null }
  /** A table, and of no known kind; `headers` is empty when its first line holds values. */
  | { readonly state: 'wrong_headers'; readonly near: readonly NearMiss[]; readonly headers: readonly string[] }
  /** `what` ends the sentence "this is ..."; `instead` says what a person can do. */
  | { readonly state: 'unreadable'; readonly kind: KindName | null; readonly what: string; readonly instead: string };

// Below this a header has nothing to do with the column.
const enoughAlike = 0.7;
const surelyAlike = 0.8;
// Each is compared with every name of every missing column.
const maxCompared = 64;
// A title, a blank and a period above the headers are common; headers further down are not headers.
const maxHeaderLine = 10;

/**
 * Says what a file is from its first bytes (`headBytes` of them are enough) and its size. Its name is not asked for: it proves nothing.
 * Pure, and bounded whatever the bytes are.
 */
export function detectInput(head: Uint8Array, size: number): Detection {
  const complete = size <= Math.min(head.length, headBytes);
  const read = headText(head, complete);
  if (!read.readable) return { state: 'unreadable', kind: null, what: read.what, instead: read.instead };
  if (complete && read.text.replace(/^\uFEFF/, '').trim() === '') return { state: 'empty', kind: null };
  const table = readTable(read.text, complete);
  if (table.format === null) return { state: 'unreadable', kind: null, what: table.what, instead: table.instead };
  const [headers = [], ...rows] = table.records;
  const matches = kindNames.map((kind) => matchKind(kind, headers));
  const best = matches.filter(({ missing }) => missing.length === 0).sort(moreCertain)[0];
  if (best === undefined) return { state: 'wrong_headers', ...whatIsNear(matches, headers, rows) };
  if (rows.length === 0 && complete) return { state: 'empty', kind: best.kind };
  const longer = rows.filter((row) => row.slice(headers.length).some((field) => field !== '')).length;
  if (longer * 2 > rows.length) {
    const what = 'a table whose rows have more fields than its header';
    return { state: 'unreadable', kind: best.kind, what, instead: 'put values that hold the separator into quotation marks' };
  }
  return { state: 'good', kind: best.kind, format: table.format, columns: best.columns, headers };
}

type Match = {
  readonly kind: KindName;
  readonly missing: readonly Column[];
  readonly claims: boolean;
  readonly matched: number;
  /** Where the column stands that only this kind has. */
  readonly mark_at: number;
  readonly columns: Readonly<Record<string, string>>;
};

function matchKind(kind: KindName, headers: readonly string[]): Match {
  const { required, optional }: InputKind = inputKinds[kind];
  const normal = headers.map(normalHeader);
  const columns: Record<string, string> = {};
  const missing: Column[] = [];
  let markAt = Number.POSITIVE_INFINITY;
  for (const column of [...required, ...optional]) {
    const names = [normalHeader(column.name), ...column.synonyms];
    // The best name that is there, not the first header: `Date` beside `Invoice Date` is another date.
    const name = names.find((one) => normal.includes(one));
    const at = name === undefined ? -1 : normal.indexOf(name);
    if (at !== -1) columns[column.name] = headers[at] ?? '';
    else if (required.includes(column)) missing.push(column);
    if (at !== -1 && column.mark === true) markAt = at;
  }
  return { kind, missing, claims: Number.isFinite(markAt), matched: Object.keys(columns).length, mark_at: markAt, columns };
}

// An invoice that names its quote is an invoice: more of its columns are there, or its own number stands first.
const moreCertain = (a: Match, b: Match) => b.matched - a.matched || a.mark_at - b.mark_at;

function whatIsNear(matches: readonly Match[], headers: readonly string[], rows: readonly (readonly string[])[]) {
  for (const row of rows.slice(0, maxHeaderLine - 1)) {
    const found = kindNames.map((kind) => matchKind(kind, row)).filter(({ missing }) => missing.length === 0);
    const best = found.sort(moreCertain)[0];
    if (best !== undefined) return { near: [{ kind: best.kind, claims: true, missing: [], headers_below: true as const }], headers: [] };
  }
  // What has the mark of one kind is not a poor example of another.
  const claimed = matches.filter(({ claims }) => claims);
  const near = (claimed.length > 0 ? claimed : matches)
    .map((match) => ({ match, missing: missingOf(match, headers) }))
    .filter(({ match, missing }) => isNear(match, missing))
    .sort((a, b) => a.match.missing.length - b.match.missing.length)
    .map(({ match, missing }) => ({ kind: match.kind, claims: match.claims || missing.some(marks(match)), missing }));
  return { near, headers: holdsValues(headers) ? [] : headers };
}

// Half of the columns, counting those that are merely misspelt: with less it is a table of something else.
function isNear({ kind, missing }: Match, told: readonly MissingColumn[]): boolean {
  const lost = told.filter(({ found }) => found === null).length;
  return lost * 2 <= inputKinds[kind].required.length && lost < inputKinds[kind].required.length && missing.length > 0;
}

/** A misspelt number column claims the kind as the right one does: `Invoce Numbr`. What is like a synonym only (`Order Number`) does not. */
const marks =
  ({ missing }: Match) =>
  ({ column, found }: MissingColumn) =>
    found !== null &&
    missing.some(({ name, mark }) => name === column && mark === true) &&
    likeness(normalHeader(column), normalHeader(found)) >= surelyAlike;

/** Each missing column with the unused header that is most like it; no header is named for two. */
function missingOf({ missing, columns }: Match, headers: readonly string[]): MissingColumn[] {
  const free = headers.filter((header) => !Object.values(columns).includes(header)).slice(0, maxCompared);
  const pairs = missing
    .flatMap((column) => free.map((header) => ({ column: column.name, header, alike: alike(column, header) })))
    .filter((pair) => pair.alike >= enoughAlike)
    .sort((a, b) => b.alike - a.alike);
  const found = new Map<string, string>();
  for (const { column, header } of pairs) {
    if (!found.has(column) && ![...found.values()].includes(header)) found.set(column, header);
  }
  return missing.map(({ name }) => ({ column: name, found: found.get(name) ?? null }));
}

const alike = ({ name, synonyms }: Column, header: string) =>
  Math.max(...[normalHeader(name), ...synonyms].map((one) => likeness(one, normalHeader(header))));

/** Numbers and dates are no headers: such a table begins with its first row, and that is not repeated to anybody. */
function holdsValues(headers: readonly string[]): boolean {
  return headers.some((header) => /^[-+(]?[\p{Sc}]?\s?\d[\d.,' ]*\)?$/u.test(header) || /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}/.test(header));
}
