/** Longest path of a file in a snapshot, in bytes of UTF-8; one segment of it has at most 255, as on every common file system. */
export const maxPathBytes = 1024;
const maxSegmentBytes = 255;

// Characters that show a person another path than the one that is meant: controls, line and paragraph separators, bidirectional overrides.
const deceptive = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * Why a path may not stand in a snapshot, or null. A path is relative, in Unicode NFC, with `/` between its segments, so that it means
 * the same file wherever the snapshot is laid out and can never lead out of the folder it is laid out in.
 *
 * Names that differ only in case are allowed: content is addressed by digest, so nothing collides here, and data sets have them.
 */
export function pathRefusal(path: string): string | null {
  if (path === '') return 'is empty';
  if (!path.isWellFormed()) return 'has a lone surrogate: it is not Unicode';
  if (Buffer.byteLength(path) > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  if (path.startsWith('/')) return 'is absolute';
  if (/^[A-Za-z]:/.test(path)) return 'starts with a drive letter';
  if (path.includes('\\')) return 'has a backslash, which is a separator elsewhere';
  if (deceptive.test(path)) return 'has a control, line-separator or direction character';
  if (path.normalize('NFC') !== path) return 'is not in Unicode NFC: the same name has another spelling';
  for (const segment of path.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment === '.' || segment === '..') return `has a '${segment}' segment`;
    if (Buffer.byteLength(segment) > maxSegmentBytes) return `has a segment longer than ${maxSegmentBytes} bytes`;
  }
  return null;
}

/** UTF-8 keeps the order of code points; UTF-16 puts U+E000 to U+FFFF after the surrogates of what comes later. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Orders paths by their UTF-8 bytes, without making them. */
export function comparePaths(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
