import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from './digest.ts';
import { formatProof, parseProof } from './proof.ts';

const hash = (text: string) => sha256(Buffer.from(text));
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('tlog-proof@v1', () => {
  test('is written as the reference implementation writes it', () => {
    const [one, two] = [hash('hash1'), hash('hash2')];
    expect(formatProof({ index: 5, hashes: [one, two], checkpoint: 'test checkpoint\n' })).toBe(
      `c2sp.org/tlog-proof@v1\nindex 5\n${base64(one)}\n${base64(two)}\n\ntest checkpoint\n`,
    );
    expect(formatProof({ index: 10, hashes: [one], checkpoint: 'checkpoint data\n', extra: Buffer.from('extra information') })).toBe(
      `c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n${base64(one)}\n\ncheckpoint data\n`,
    );
    expect(formatProof({ index: 0, hashes: [], checkpoint: 'checkpoint\n' })).toBe('c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n');
  });

  test('is read back, checkpoint verbatim', () => {
    const checkpoint = fc.string({ minLength: 1 }).map((text) => `${text}\n\n— a b\n`);
    const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 });
    fc.assert(
      fc.property(
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        hashes,
        checkpoint,
        fc.option(fc.uint8Array(), { nil: undefined }),
        (index, path, note, extra) => {
          const read = parseProof(
            formatProof(extra === undefined ? { index, hashes: path, checkpoint: note } : { index, hashes: path, checkpoint: note, extra }),
          );
          expect(read.index).toBe(index);
          expect(read.hashes.map(base64)).toEqual(path.map(base64));
          expect(read.checkpoint).toBe(note);
          expect(read.extra === undefined ? undefined : base64(read.extra)).toBe(extra === undefined ? undefined : base64(extra));
        },
      ),
    );
  });

  test('malformed proofs are refused', () => {
    const header = 'c2sp.org/tlog-proof@v1';
    const cases: [string, string][] = [
      ['', 'no checkpoint'],
      ['wrong-header\nindex 0\n\ncheckpoint\n', 'does not begin'],
      [`${header}\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n`, 'extra data'],
      [`${header}\n\n\ncheckpoint\n`, 'no valid index'],
      [`${header}\nindex notanumber\n\ncheckpoint\n`, 'no valid index'],
      [`${header}\nindex -5\n\ncheckpoint\n`, 'no valid index'],
      [`${header}\nindex 05\n\ncheckpoint\n`, 'no valid index'],
      [`${header}\nindex 9007199254740993\n\ncheckpoint\n`, 'no valid index'],
      [`${header}\nindex 0\nindex 0\n\ncheckpoint\n`, 'a hash is not'],
      [`${header}\nindex 0\n!!notbase64!!\n\ncheckpoint\n`, 'a hash is not'],
      [`${header}\nindex 0\n${base64(new Uint8Array(64))}\n\ncheckpoint\n`, 'a hash is not'],
      [`${header}\nindex 0\n${`${base64(hash('x'))}\n`.repeat(64)}\ncheckpoint\n`, 'too many hashes'],
      [`${header}\nindex 0\n${'a'.repeat(1_200_000)}\n\ncheckpoint\n`, 'too large'],
      [`${header}\r\nindex 0\r\n\r\ncheckpoint\r\n`, 'no checkpoint'],
    ];
    for (const [text, reason] of cases) expect(() => parseProof(text), JSON.stringify(text.slice(0, 60))).toThrow(reason);
  });
});
