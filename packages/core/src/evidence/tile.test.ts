import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafHash, nodeHash, type ReadNode, treeRoot } from './merkle.ts';
import {
  parseEntryBundle,
  parseTile,
  parseTilePath,
  renderEntryBundle,
  renderTile,
  type Tile,
  tilePath,
  tileRange,
  tilesOf,
  tileWidthAt,
} from './tile.ts';
import { TreeAppender } from './tree-appender.ts';

describe('tile paths', () => {
  test('are those of the specification', () => {
    expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 1, index: 0, width: 17 })).toBe('tile/1/000.p/17');
    expect(tilePath({ level: 'entries', index: 273, width: 112 })).toBe('tile/entries/273.p/112');
  });

  test('are read back, and only in one spelling', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constant('entries' as const), fc.nat({ max: 63 })),
        fc.nat(),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
    for (const path of [
      'tile/0/x000/067',
      'tile/0/67',
      'tile/0/001/067',
      'tile/0/x067',
      'tile/00/067',
      'tile/64/067',
      'tile/-1/067',
      'tile/0/067.p/256',
      'tile/0/067.p/257',
      'tile/0/067.p/0',
      'tile/0/067.p/01',
      'tile/0/067.p/',
      'tile/0/../000',
      'tile/data/000',
      'tile/0/067/',
      '/tile/0/067',
      'tile/0/x999/x999/x999/x999/x999/x999/999',
      'tile/0/067\n',
    ]) {
      expect(parseTilePath(path), path).toBeUndefined();
    }
  });
});

describe('tiles of a tree', () => {
  test('of 70,000 leaves are those the specification counts', () => {
    const tiles = [...tilesOf(70_000)].filter(({ level }) => level !== 'entries');
    const count = (level: number, full: boolean) => tiles.filter((tile) => tile.level === level && (tile.width === 256) === full);
    expect(count(0, true)).toHaveLength(273);
    expect(count(0, false).map(({ width }) => width)).toEqual([112]);
    expect(count(1, true)).toHaveLength(1);
    expect(count(1, false).map(({ width }) => width)).toEqual([17]);
    expect(count(2, false).map(({ width }) => width)).toEqual([1]);
    expect(tiles).toHaveLength(273 + 1 + 1 + 1 + 1);
    expect([...tilesOf(256)].map(tilePath)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
    expect([...tilesOf(0)]).toEqual([]);
    expect(tileWidthAt(0, 274, 70_000)).toBe(0);
  });

  test('hold all that is needed: the root comes out of tiles alone', () => {
    const stored = new Map<string, Uint8Array>();
    const appender = new TreeAppender(0, []);
    for (let index = 0; index < 1100; index += 1) {
      const leaf = leafHash(Buffer.from(`leaf ${index}`));
      stored.set(`0/${index}`, leaf);
      for (const node of appender.append(leaf)) stored.set(`${node.level}/${node.index}`, node.hash);
    }
    const readStored: ReadNode = (level, index) => stored.get(`${level}/${index}`) ?? expect.fail(`no node ${level}/${index}`);
    const served = new Map<string, Uint8Array>();
    const show = (tile: Tile) => {
      const { level, first, count } = tileRange(tile);
      return renderTile(Array.from({ length: count }, (_, at) => readStored(level, first + at)));
    };
    for (const tile of tilesOf(1100)) {
      if (tile.level === 'entries') continue;
      parseTile(show(tile), tile.width).forEach((hash, at) => {
        served.set(`${tileRange(tile).level}/${tile.index * 256 + at}`, hash);
      });
    }
    // What lies between the levels that tiles show is hashed from below.
    const readServed: ReadNode = (level, index) =>
      served.get(`${level}/${index}`) ?? nodeHash(readServed(level - 1, 2 * index), readServed(level - 1, 2 * index + 1));
    expect(treeRoot(1100, readServed)).toEqual(appender.root());
  });

  test('a tile of another width is refused', () => {
    expect(() => parseTile(new Uint8Array(64), 3)).toThrow('a tile of 3 hashes has 64 bytes');
  });
});

describe('entry bundles', () => {
  test('are read back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (bodies) => {
        expect(parseEntryBundle(renderEntryBundle(bodies), bodies.length).map((body) => [...body])).toEqual(
          bodies.map((body) => [...body]),
        );
      }),
    );
  });

  test('lengths are two bytes, big-endian', () => {
    expect([...renderEntryBundle([Buffer.alloc(258, 7)]).subarray(0, 3)]).toEqual([1, 2, 7]);
    expect(() => renderEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(parseEntryBundle(renderEntryBundle([new Uint8Array(65_535)]), 1)[0]).toHaveLength(65_535);
  });

  test('cut short or of another number they are refused', () => {
    const bundle = renderEntryBundle([Buffer.from('one'), Buffer.from('two')]);
    for (let length = 1; length < bundle.byteLength; length += 1) expect(() => parseEntryBundle(bundle.subarray(0, length), 2)).toThrow();
    expect(() => parseEntryBundle(bundle, 1)).toThrow('of 1 has 2 entries');
  });
});
