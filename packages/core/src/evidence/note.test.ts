import { createPrivateKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ed25519Signer } from './dsse.ts';
import { publicKeyOf, rawPublicKey } from './key.ts';
import { signerOf } from './log.fixture.ts';
import { formatVerifierKey, isNoteName, noteVerifier, openNote, parseNote, parseVerifierKey, signNote } from './note.ts';

// Known answers of golang.org/x/mod/sumdb/note: keys, seed, text and signatures.
const peterKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const enochKey = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const peterSeed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterSig = '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const enochSig = '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';

const peter = parseVerifierKey(peterKey);
const enoch = parseVerifierKey(enochKey);

describe('verifier keys', () => {
  test('are read and written as Go does', () => {
    expect(peter.name).toBe('PeterNeumann');
    expect(formatVerifierKey('PeterNeumann', peter.public_key)).toBe(peterKey);
    expect(formatVerifierKey('EnochRoot', enoch.public_key)).toBe(enochKey);
  });

  test('every substring, every changed character, another length and another algorithm are refused', () => {
    for (let from = 0; from <= peterKey.length; from += 1) {
      for (let to = from + 1; to <= peterKey.length; to += 1) {
        if (from !== 0 || to !== peterKey.length) expect(() => parseVerifierKey(peterKey.slice(from, to))).toThrow();
      }
    }
    for (let at = 0; at < peterKey.length; at += 1) {
      const changed = String.fromCharCode(peterKey.charCodeAt(at) + 1);
      expect(() => parseVerifierKey(peterKey.slice(0, at) + changed + peterKey.slice(at + 1))).toThrow();
    }
    expect(() => parseVerifierKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==')).toThrow();
    expect(() => parseVerifierKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')).toThrow('not an Ed25519 key');
  });

  test('names with white space, plus or nothing are none', () => {
    for (const name of ['', 'a b', 'a+b', 'a\tb', 'a\u0085b', 'a\u00a0b', 'a\u2003b', '\ud800'])
      expect(isNoteName(name), JSON.stringify(name)).toBe(false);
    expect(isNoteName('govctl.example/log/dév')).toBe(true);
    expect(() => formatVerifierKey('a b', peter.public_key)).toThrow(TypeError);
  });
});

describe('signing', () => {
  test('gives the bytes that Go gives', () => {
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), peterSeed]);
    const signer = ed25519Signer(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
    expect(signNote(text, 'PeterNeumann', signer)).toBe(`${text}\n${peterSig}`);
  });

  test('refuses a text that would read back differently', () => {
    for (const bad of ['no newline', 'tab\there\n', 'bell\u0007\n', '\ud800\n', ''])
      expect(() => signNote(bad, 'a', signerOf('a'))).toThrow(TypeError);
    expect(() => signNote('text\n', 'a b', signerOf('a'))).toThrow(TypeError);
  });
});

describe('opening', () => {
  test('tells verified from unknown signatures', () => {
    const opened = openNote(`${text}\n${peterSig}${enochSig}`, [peter]);
    expect(opened.text).toBe(text);
    expect(opened.verified.map(({ name }) => name)).toEqual(['PeterNeumann']);
    expect(opened.unknown.map(({ name }) => name)).toEqual(['EnochRoot']);
    expect(openNote(`${text}\n${peterSig}${enochSig}`, [peter, enoch]).verified).toHaveLength(2);
    expect(openNote(`${text}\n${peterSig}${peterSig}`, [peter]).verified).toHaveLength(1);
  });

  test('a note no known key signed is rejected', () => {
    expect(() => openNote(`${text}\n${peterSig}`, [])).toThrow('no known key');
    expect(() => openNote(`${text}\n${peterSig}`, [enoch])).toThrow('no known key');
    const sameName = noteVerifier('PeterNeumann', publicKeyOf(rawPublicKey(signerOf('x').public_key_spki)).raw);
    expect(() => openNote(`${text}\n${peterSig}`, [sameName])).toThrow('no known key');
  });

  test('one bad signature of a known key rejects the whole note, whatever else is good', () => {
    const bad = enochSig.replace('5n2t', '5n2u');
    expect(() => openNote(`${text}\n${peterSig}${bad}`, [peter, enoch])).toThrow('EnochRoot is not valid');
    expect(openNote(`${text}\n${peterSig}${bad}`, [peter]).verified).toHaveLength(1);
    expect(() => openNote(`${text}\n${peterSig.slice(0, 60)}ABCD${peterSig.slice(60)}`, [peter])).toThrow('not valid');
  });

  test('malformed notes are rejected', () => {
    const bad = [
      text,
      `${text}\n`,
      `${text}\n${peterSig.slice(0, -1)}`,
      `\u0001${text}\n${peterSig}`,
      `${text}\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`,
      `${text}\n${peterSig}Unexpected line.\n`,
      `${text}\n${peterSig.replace('—', '-')}`,
      `${text}\n— PeterNeumann x08g\n`,
      `${text}\n${peterSig.repeat(101)}`,
      'x'.repeat(1_000_001),
    ];
    for (const note of bad) expect(() => openNote(note, [peter])).toThrow();
    const notUtf8 = Buffer.concat([Buffer.of(0xff), Buffer.from(`${text}\n${peterSig}`)]);
    expect(() => openNote(notUtf8, [peter])).toThrow('not UTF-8');
    expect(openNote(Buffer.from(`${text}\n${peterSig}`), [peter]).text).toBe(text);
    expect(openNote(`${text}\n${peterSig}${enochSig.repeat(99)}`, [peter]).unknown).toHaveLength(99);
  });

  test('the text ends at the last blank line', () => {
    const note = signNote('a\n\nb\n\n', 'n', signerOf('a'));
    expect(parseNote(note).text).toBe('a\n\nb\n\n');
  });

  test('any changed byte is noticed', () => {
    const note = Buffer.from(`${text}\n${peterSig}`);
    fc.assert(
      fc.property(fc.nat({ max: note.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(note);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(() => openNote(changed, [peter])).toThrow();
      }),
      { numRuns: 500 },
    );
  });
});
