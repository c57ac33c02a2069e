/** Bytes from `from` up to but not with `end`. */
export type ByteRange = { readonly from: number; readonly end: number };

export type RangeAnswer =
  /** No range was asked for, or one that counts for nothing: the whole. */
  | { readonly kind: 'whole' }
  | ({ readonly kind: 'part' } & ByteRange)
  /** 416. */
  | { readonly kind: 'unsatisfiable'; readonly why: string };

/**
 * What the Range and If-Range headers of a GET ask for (RFC 9110, 13.1.5 and 14.2). A unit other than bytes, or an If-Range that names
 * another version, asks for the whole; several ranges are refused, because nothing that resumes a download needs them and each
 * costs a pass over the content.
 *
 * @param etag the strong entity tag of what is there, with its quotes
 */
export function rangeOf(range: string | undefined, ifRange: string | undefined, etag: string, length: number): RangeAnswer {
  if (range === undefined) return { kind: 'whole' };
  // A weak tag or a date never matches: only the same bytes can be continued.
  if (ifRange !== undefined && ifRange !== etag) return { kind: 'whole' };
  const [unit, set] = split(range);
  if (unit.toLowerCase() !== 'bytes') return { kind: 'whole' };
  if (set.includes(',')) return { kind: 'unsatisfiable', why: 'one range at a time' };
  const [, first = '', last = ''] = /^(\d{0,16})-(\d{0,16})$/.exec(set.trim()) ?? [];
  if (first === '' && last === '') return { kind: 'unsatisfiable', why: 'the range is malformed' };
  if (first === '') {
    const suffix = Math.min(Number(last), length);
    return suffix === 0 ? { kind: 'unsatisfiable', why: 'the range is empty' } : { kind: 'part', from: length - suffix, end: length };
  }
  const from = Number(first);
  const end = last === '' ? length : Math.min(Number(last) + 1, length);
  if (last !== '' && Number(last) < from) return { kind: 'unsatisfiable', why: 'the range ends before it begins' };
  if (from >= length) return { kind: 'unsatisfiable', why: `there are ${length} bytes` };
  return { kind: 'part', from, end };
}

function split(range: string): [string, string] {
  const at = range.indexOf('=');
  return at === -1 ? [range, ''] : [range.slice(0, at).trim(), range.slice(at + 1)];
}
