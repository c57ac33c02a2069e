import { Problem } from '../api/problem.ts';
import { hashSize } from './merkle.ts';

/** Hashes, or entries, in a full tile (C2SP tlog-tiles). */
export const tileWidth = 256;
const tileHeight = 8;
const maxEntryBytes = 0xffff;

/** One tile: `level` 0 holds leaf hashes, level n roots of full tiles below; `entries` holds the leaf bodies of level 0. */
export type Tile = { readonly level: number | 'entries'; readonly index: number; readonly width: number };

/** The tree nodes a tile shows: `count` complete subtrees of one level from `first` on. */
export type TileRange = { readonly level: number; readonly first: number; readonly count: number };

/** `tile/<L>/<N>[.p/<W>]`, N in groups of three digits: 1234067 is `x001/x234/067`. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** Reads what `tilePath` writes and nothing else; undefined for any other path. */
export function parseTilePath(path: string): Tile | undefined {
  const [, rawLevel, groups, rawWidth] =
    /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path) ?? [];
  if (rawLevel === undefined || groups === undefined) return undefined;
  const tile: Tile = {
    level: rawLevel === 'entries' ? rawLevel : Number(rawLevel),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: rawWidth === undefined ? tileWidth : Number(rawWidth),
  };
  const sound = Number.isSafeInteger(tile.index) && tile.width <= tileWidth && (tile.level === 'entries' || tile.level < 64);
  // Only one spelling of each tile: a leading group of zeros or a full width written out is another path.
  return sound && tilePath(tile) === path ? tile : undefined;
}

/** How many hashes this tile has in a tree of `size` leaves: 256 when full, 0 when it does not exist. */
export function tileWidthAt(level: number | 'entries', index: number, size: number): number {
  const nodes = Math.floor(size / tileWidth ** (level === 'entries' ? 0 : level));
  return Math.max(0, Math.min(tileWidth, nodes - index * tileWidth));
}

/** Which complete subtrees to read to show a tile. */
export function tileRange(tile: Tile): TileRange {
  return { level: tile.level === 'entries' ? 0 : tile.level * tileHeight, first: tile.index * tileWidth, count: tile.width };
}

/** Every hash tile and entry bundle of a tree, level by level: what a full copy holds. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let index = 0; index * tileWidth < size; index += 1) yield { level: 'entries', index, width: tileWidthAt('entries', index, size) };
  for (let level = 0; Math.floor(size / tileWidth ** level) > 0; level += 1) {
    const nodes = Math.floor(size / tileWidth ** level);
    for (let index = 0; index * tileWidth < nodes; index += 1) yield { level, index, width: tileWidthAt(level, index, size) };
  }
}

/** A hash tile: the hashes one after the other. */
export function renderTile(hashes: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(hashes, hashes.length * hashSize);
}

/** @throws Problem `integrity` when it does not hold exactly `width` hashes */
export function parseTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.byteLength !== width * hashSize)
    throw new Problem('integrity', { detail: `a tile of ${width} hashes has ${bytes.byteLength} bytes` });
  return Array.from({ length: width }, (_, at) => bytes.slice(at * hashSize, (at + 1) * hashSize));
}

/** An entry bundle: each leaf body after its length as two bytes. */
export function renderEntryBundle(bodies: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    bodies.flatMap((body) => {
      if (body.byteLength > maxEntryBytes) throw new RangeError(`a leaf of ${body.byteLength} bytes does not fit an entry bundle`);
      return [Buffer.of(body.byteLength >> 8, body.byteLength & 0xff), body];
    }),
  );
}

/** @throws Problem `integrity` when it does not hold exactly `width` entries */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (at + 2 + length > bytes.byteLength) throw new Problem('integrity', { detail: 'an entry bundle is cut short' });
    bodies.push(bytes.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  if (bodies.length !== width) throw new Problem('integrity', { detail: `an entry bundle of ${width} has ${bodies.length} entries` });
  return bodies;
}
