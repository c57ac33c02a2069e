import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isProblem } from '../api/problem.ts';
import { digestOf } from '../evidence/digest.ts';
import { vectorFolder } from '../evidence/vector.fixture.ts';
import { decodeManifest, encodeManifest, type ManifestFile, manifestObjects, snapshotIdOf } from './snapshot.ts';
import { comparePaths, maxPathBytes, pathRefusal } from './snapshot-path.ts';

const sha256 = 'a'.repeat(64);
const file = (path: string, size = 1, digest = sha256): ManifestFile => ({ path, size, sha256: digest });

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isProblem(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const decode = (text: string) => refusal(() => decodeManifest(Buffer.from(text), digestOf(text)));
const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .map((text) => text.normalize('NFC'))
  .filter((text) => pathRefusal(text) === null && !text.includes('/'));
const somePath = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));

describe('paths of a snapshot', () => {
  test.each([
    ['', 'is empty'],
    ['/etc/passwd', 'is absolute'],
    ['../secret', "has a '..' segment"],
    ['a/../../b', "has a '..' segment"],
    ['./a', "has a '.' segment"],
    ['a/./b', "has a '.' segment"],
    ['a//b', 'empty segment'],
    ['a/', 'empty segment'],
    ['C:/windows', 'drive letter'],
    ['c:file', 'drive letter'],
    ['..\\x', 'backslash'],
    ['a\0b', 'control'],
    ['a\nb', 'control'],
    ['a\u0085b', 'control'],
    ['gpj.\u202etxt', 'direction'],
    ['cafe\u0301.csv', 'NFC'],
    ['\ud800', 'surrogate'],
    ['x'.repeat(256), 'segment longer'],
    [`${'é'.repeat(128)}/a`, 'segment longer'],
    [`${'d/'.repeat(600)}x`, 'longer than 1024'],
  ])('%j is refused', (path, why) => {
    expect(pathRefusal(path)).toContain(why);
    expect(decode(JSON.stringify({ dataset_id: 'orders', files: [{ path, sha256, size: 1 }] }))).toMatch(/^unprocessable: /);
  });

  test.each([
    'a',
    'a b',
    '.hidden',
    '..a',
    'a..',
    '...',
    'dt=2024-01-01T00:00:00/part-0.parquet',
    'café.csv',
    'データ/注文.csv',
    '-rf',
    '~',
    '%2e%2e',
    'A/a',
    '😀',
  ])('%j is fine', (path) => {
    expect(pathRefusal(path)).toBeNull();
  });

  test('an accepted path stays in the folder it is joined to, and means itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', '\0', ':') })), (path) => {
        if (pathRefusal(path) !== null) return;
        const joined = join('/root', path);
        expect(joined).toBe(`/root/${path}`);
        expect(new URL(`file:///root/${encodeURI(path).replaceAll('#', '%23').replaceAll('?', '%3F')}`).pathname.startsWith('/root/')).toBe(
          true,
        );
        expect(Buffer.byteLength(path)).toBeLessThanOrEqual(maxPathBytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('the order is that of the UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    // UTF-16 would put these the other way round.
    expect(['\u{1f600}', '\uffff'].sort(comparePaths)).toEqual(['\uffff', '\u{1f600}']);
  });

  const folder = vectorFolder('blns');
  test.skipIf(folder === undefined)('naughty strings are refused with a reason or come back exactly', () => {
    const strings = JSON.parse(readFileSync(join(folder ?? '', 'blns.json'), 'utf8')) as string[];
    const accepted = strings.filter((text) => pathRefusal(text) === null);
    for (const text of strings) {
      const told = refusal(() => encodeManifest({ dataset_id: 'orders', files: [file(text)] }));
      expect(told).toMatch(accepted.includes(text) ? /^accepted$/ : /^unprocessable: this is not a snapshot: /);
    }
    const unique = [...new Set(accepted)].filter((path) => !accepted.some((other) => path.startsWith(`${other}/`)));
    const { bytes, snapshot_hash } = encodeManifest({ dataset_id: 'orders', files: unique.map((path) => file(path)) });
    const read = decodeManifest(bytes, snapshot_hash);
    expect(new Set(read.files.map(({ path }) => path))).toEqual(new Set(unique));
    expect(unique.length).toBeGreaterThan(200);
    expect(strings.length - accepted.length).toBeGreaterThan(50);
  });
});

describe('manifest', () => {
  test('the hash is that of the canonical JSON, byte for byte', () => {
    const { bytes, snapshot_hash } = encodeManifest({
      dataset_id: 'orders',
      files: [file('b', 2, 'b'.repeat(64)), file('a')],
      schema: { z: 1, a: [true] },
    });
    const text = `{"dataset_id":"orders","files":[{"path":"a","sha256":"${sha256}","size":1},{"path":"b","sha256":"${'b'.repeat(64)}","size":2}],"schema":{"a":[true],"z":1}}`;
    expect(Buffer.from(bytes).toString()).toBe(text);
    expect(snapshot_hash).toBe(digestOf(text));
  });

  test('the order files are found in does not matter; content, name, size and dataset do', () => {
    const files = fc.uniqueArray(fc.record({ path: somePath, size: fc.nat(), sha256: fc.stringMatching(/^[0-9a-f]{64}$/) }), {
      selector: ({ path }) => path,
      minLength: 1,
      maxLength: 8,
    });
    const sound = files.filter((all) => refusal(() => encodeManifest({ dataset_id: 'd', files: all })) === 'accepted');
    fc.assert(
      fc.property(sound, fc.nat(), (all, pick) => {
        const { snapshot_hash, bytes, manifest } = encodeManifest({ dataset_id: 'd', files: all });
        expect(encodeManifest({ dataset_id: 'd', files: [...all].reverse() }).snapshot_hash).toBe(snapshot_hash);
        expect(decodeManifest(bytes, snapshot_hash)).toEqual(manifest);
        expect(encodeManifest({ dataset_id: 'e', files: all }).snapshot_hash).not.toBe(snapshot_hash);
        const at = pick % all.length;
        const changed = all.map((one, index) => (index === at ? { ...one, size: one.size + 1 } : one));
        expect(encodeManifest({ dataset_id: 'd', files: changed }).snapshot_hash).not.toBe(snapshot_hash);
      }),
    );
  });

  test('what a snapshot cannot be is refused, and the path named', () => {
    const encode = (...files: ManifestFile[]) => refusal(() => encodeManifest({ dataset_id: 'orders', files }));
    expect(encode()).toContain('at least one file');
    expect(encode(file('a'), file('a'))).toContain("'a' is there twice");
    expect(encode(file('a'), file('a.b'), file('a/b'))).toContain("'a' is a file and a folder");
    expect(encode(file('a', 1), file('b', 2))).toContain('another size');
    expect(encode(file('a', -1))).toContain('"a"');
    expect(encode(file('a', 1.5))).toContain('unprocessable');
    expect(encode(file('a', 2 ** 53))).toContain('unprocessable');
    expect(encode(file('a', 2 ** 53 - 1), file('b', 2 ** 53 - 1, 'b'.repeat(64)))).toContain('beyond 2^53');
    expect(encode(file('a', 1, sha256.toUpperCase()))).toContain('64 lower-case hex');
    expect(encode(file('a'), file('b'), file('c'))).toBe('accepted');
    expect(refusal(() => encodeManifest({ dataset_id: '../x', files: [file('a')] }))).toContain('dataset_id');
  });

  test('bytes of somebody else are taken only in the one canonical form', () => {
    const good = encodeManifest({ dataset_id: 'orders', files: [file('a'), file('b')] });
    const text = Buffer.from(good.bytes).toString();
    expect(decode(text)).toBe('accepted');
    expect(refusal(() => decodeManifest(good.bytes, digestOf('other')))).toMatch(/^digest-mismatch/);
    expect(decode(` ${text}`)).toContain('canonical');
    expect(decode(text.replace('"size":1', '"size":1.0'))).toContain('canonical');
    expect(decode(text.replace('"dataset_id"', '"dataset\\u005fid"'))).toContain('canonical');
    expect(decode(text.replace('"size":1', '"size":1,"mode":420'))).toContain('mode');
    expect(decode(text.replace('{"dataset_id"', '{"created_at":"now","dataset_id"'))).toContain('created_at');
    expect(
      decode(JSON.stringify({ dataset_id: 'orders', files: [file('b'), file('a')].map(({ path, size }) => ({ path, sha256, size })) })),
    ).toContain('not sorted');
    expect(decode('')).toContain('not JSON');
    expect(decode('\u0000\u0001')).toContain('not JSON');
    expect(decode('null')).toContain('unprocessable');
    expect(decode('['.repeat(100_000))).toContain('not JSON');
    expect(decode(text.replace('"files"', '"files":[],"files"'))).toContain('not JSON');
  });

  test('an object is needed once, however many files have it', () => {
    const { manifest } = encodeManifest({ dataset_id: 'orders', files: [file('a'), file('b'), file('c', 2, 'c'.repeat(64))] });
    expect([...manifestObjects(manifest)]).toEqual([
      [`sha256:${sha256}`, 1],
      [`sha256:${'c'.repeat(64)}`, 2],
    ]);
  });

  test('a registration has one id, and every part of it counts', () => {
    const one = { tenant_id: 'default', dataset_id: 'orders', layer: 'RAW', snapshot_hash: `sha256:${sha256}` } as const;
    const ids = [
      one,
      { ...one, tenant_id: 't' },
      { ...one, dataset_id: 'o' },
      { ...one, layer: 'GDP' as const },
      { ...one, snapshot_hash: digestOf('x') },
    ].map(snapshotIdOf);
    expect(new Set(ids).size).toBe(5);
    expect(snapshotIdOf({ ...one })).toBe(ids[0]);
    expect(ids[0]).toMatch(/^snap-[0-9a-f]{24}$/);
  });
});
