export type TableFormat = 'csv' | 'tsv' | 'ndjson';

/** What the head of a file shows of a table: its first records, split; the first of them may be the headers. */
export type Table =
  | { readonly format: TableFormat; readonly records: readonly (readonly string[])[] }
  /** `what` ends the sentence "this is ..."; `instead` is what a person can do about it. */
  | { readonly format: null; readonly what: string; readonly instead: string };

const separators = [',', ';', '\t', '|'] as const;

// Headers and a few rows decide; a million empty columns must not cost a million strings.
const maxRecords = 20;
const maxColumns = 1000;

/** Splits the text of a head. `complete` says that the file ends where the text does; otherwise its last line is cut and does not count. */
export function readTable(text: string, complete: boolean): Table {
  const trimmed = text.replace(/^[\s\uFEFF]+/, '');
  if (trimmed.startsWith('{')) return readNdjson(trimmed, complete);
  if (trimmed.startsWith('[')) return { format: null, what: 'one JSON array', instead: 'write one JSON object a line (NDJSON), or CSV' };
  if (/^<(!doctype|html|\?xml)/i.test(trimmed)) return { format: null, what: 'a page of HTML or XML', instead: 'save it as CSV' };
  return readSeparated(text.replace(/^\uFEFF/, ''), complete);
}

function readSeparated(text: string, complete: boolean): Table {
  // Excel's own first line says how it separates.
  const declared = /^sep=(.)\r?\n/i.exec(text);
  const body = declared === null ? text : text.slice(declared[0].length);
  const wanted = separators.filter((separator) => separator === declared?.[1]);
  let best: { separator: string; records: string[][]; score: number } | undefined;
  for (const separator of wanted.length > 0 ? wanted : separators) {
    const records = split(body, separator, complete);
    if (records === undefined) continue;
    const score = agreement(records);
    if (best === undefined || score > best.score) best = { separator, records, score };
  }
  if (best === undefined)
    return { format: null, what: 'a table whose first line does not end', instead: 'look for a quotation mark that is not closed' };
  return { format: best.separator === '\t' ? 'tsv' : 'csv', records: best.records };
}

/** Columns, times the share of records that have as many: decimal commas, and a comma in a title, do not make it a table of commas. */
function agreement(records: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>();
  for (const { length } of records) counts.set(length, (counts.get(length) ?? 0) + 1);
  return Math.max(0, ...[...counts].map(([columns, times]) => (columns * times) / records.length));
}

/** RFC 4180: a field in quotation marks may hold separators, line ends and doubled marks. Blank lines are no records. */
function split(text: string, separator: string, complete: boolean): string[][] | undefined {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  const end = (ended: boolean) => {
    if (ended && record.some((field) => field.trim() !== '')) records.push(record);
    record = [];
  };
  while (at < text.length && records.length < maxRecords) {
    let field = '';
    if (text[at] === '"') {
      const close = closingMark(text, at + 1);
      if (close === undefined) return records.length > 0 && !complete ? records : undefined;
      field = text.slice(at + 1, close).replaceAll('""', '"');
      at = close + 1;
    }
    let stop = at;
    while (stop < text.length && text[stop] !== separator && text[stop] !== '\n' && text[stop] !== '\r') stop += 1;
    field += text.slice(at, stop);
    if (record.length < maxColumns) record.push(field.trim());
    at = stop + 1;
    if (stop >= text.length) end(complete);
    else if (text[stop] !== separator) {
      if (text[stop] === '\r' && text[at] === '\n') at += 1;
      end(true);
    } else if (at >= text.length) {
      if (record.length < maxColumns) record.push('');
      end(complete);
    }
  }
  if (records.length === 0 && !complete) return undefined;
  return records;
}

function closingMark(text: string, from: number): number | undefined {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at === -1 ? undefined : at;
}

function readNdjson(text: string, complete: boolean): Table {
  const lines = text.split('\n');
  if (!complete) lines.pop();
  const columns = new Set<string>();
  const rows: ReadonlyMap<string, string>[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || rows.length >= maxRecords) continue;
    const row = jsonObject(line);
    if (row === undefined) {
      const instead = 'write one JSON object a line (NDJSON), or CSV';
      return { format: null, what: `JSON, but line ${index + 1} is not an object of its own`, instead };
    }
    const fields = Object.entries(row).slice(0, maxColumns);
    for (const [name] of fields) if (columns.size < maxColumns) columns.add(name);
    rows.push(
      new Map(fields.map(([name, value]) => [name, value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)])),
    );
  }
  if (rows.length === 0)
    return { format: null, what: 'JSON whose first line does not end', instead: 'write one JSON object a line (NDJSON), or CSV' };
  const names = [...columns];
  return { format: 'ndjson', records: [names, ...rows.map((row) => names.map((name) => row.get(name) ?? ''))] };
}

function jsonObject(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
