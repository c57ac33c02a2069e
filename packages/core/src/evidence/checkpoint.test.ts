import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkpointText, openCheckpoint, parseCheckpointText, readCheckpoint, signCheckpoint } from './checkpoint.ts';
import { sha256 } from './digest.ts';
import { publicKeyOf, publicKeyPem, rawPublicKey } from './key.ts';
import { origin, signerOf } from './log.fixture.ts';
import { noteVerifier, parseNote, signNote } from './note.ts';

const rawOf = (name: string) => rawPublicKey(signerOf(name).public_key_spki);
const head = { origin, size: 20852163, root: sha256(Buffer.from('root')) };
const verifier = noteVerifier(origin, rawOf('log'));

describe('checkpoints', () => {
  test('are three lines, and reading gives back what was signed', () => {
    expect(checkpointText(head)).toBe(`${origin}\n20852163\n${Buffer.from(head.root).toString('base64')}\n`);
    const opened = openCheckpoint(signCheckpoint(head, signerOf('log')), origin, [verifier]);
    expect(opened).toMatchObject({ origin, size: head.size });
    expect(Buffer.compare(opened.root, head.root)).toBe(0);
    expect(readCheckpoint(signCheckpoint(head, signerOf('log'))).size).toBe(head.size);
  });

  test('are a pure function of head and key: a lost one is made again, byte for byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, root) => {
        const first = signCheckpoint({ origin, size, root }, signerOf('log'));
        expect(signCheckpoint({ origin, size, root }, signerOf('log'))).toBe(first);
        expect(openCheckpoint(first, origin, [verifier]).size).toBe(size);
      }),
    );
  });

  test('the example of the specification is read', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
    expect(parseCheckpointText(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163 });
    expect(parseCheckpointText(`${text}extension\n`).size).toBe(20852163);
  });

  test('of another log, by another key, or under another name do not open', () => {
    const other = signCheckpoint({ ...head, origin: 'other.example/log' }, signerOf('log'));
    expect(() => openCheckpoint(other, origin, [verifier, noteVerifier('other.example/log', rawOf('log'))])).toThrow('no known key');
    const disguised = signNote(checkpointText({ ...head, origin: 'other.example/log' }), origin, signerOf('log'));
    expect(() => openCheckpoint(disguised, origin, [verifier])).toThrow('is of the log other.example/log');
    expect(() => openCheckpoint(signCheckpoint(head, signerOf('mallory')), origin, [verifier])).toThrow('no known key');
  });

  test('texts that are no checkpoint are refused', () => {
    const root = Buffer.from(head.root).toString('base64');
    for (const text of [
      '',
      '\n1\n',
      `${origin}\n1\n`,
      `${origin}\n1\n${root}`,
      `\n1\n${root}\n`,
      `${origin}\n01\n${root}\n`,
      `${origin}\n-1\n${root}\n`,
      `${origin}\n+1\n${root}\n`,
      `${origin}\n1e3\n${root}\n`,
      `${origin}\n9007199254740993\n${root}\n`,
      `${origin}\n1\n${root.slice(0, -4)}\n`,
      `${origin}\n1\n${root.replace('=', '')}\n`,
      `${origin}\n1\n${root}\n\n`,
    ]) {
      expect(() => parseCheckpointText(text), JSON.stringify(text)).toThrow();
    }
    expect(() => checkpointText({ ...head, origin: 'a\n999' })).toThrow(TypeError);
    expect(() => checkpointText({ ...head, size: 0.5 })).toThrow(TypeError);
  });

  test('openssl verifies one with no code of ours', () => {
    const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
    try {
      const { text, signatures } = parseNote(signCheckpoint(head, signerOf('log')));
      writeFileSync(join(folder, 'text'), text);
      writeFileSync(join(folder, 'sig'), signatures[0]?.sig ?? '');
      writeFileSync(join(folder, 'log.pub.pem'), publicKeyPem(publicKeyOf(rawOf('log'))));
      const openssl = (message: string) =>
        execFileSync('openssl', ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', 'log.pub.pem', '-sigfile', 'sig', '-in', message], {
          cwd: folder,
          stdio: 'pipe',
          encoding: 'utf8',
        });
      expect(openssl('text')).toContain('Signature Verified Successfully');
      writeFileSync(join(folder, 'edited'), text.replace('2', '3'));
      expect(() => openssl('edited')).toThrow();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
