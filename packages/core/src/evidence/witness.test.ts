import { describe, expect, it } from 'vitest';
import { formatAddCheckpoint, judgeAddCheckpoint, type KnownTree, parseAddCheckpoint, readWitnessAnswer } from './add-checkpoint.ts';
import { signCheckpoint } from './checkpoint.ts';
import { cosign, cosignaturesOf, cosignedAt, formatCosignerKey, parseCosignerKey } from './cosignature.ts';
import { publicKeyOf, rawPublicKey } from './key.ts';
import { buildLog, origin, promotionDraft, signerOf, trustOver } from './log.fixture.ts';
import { consistencyProof, emptyRoot } from './merkle.ts';
import { noteVerifier, parseNote } from './note.ts';
import { loadTrust } from './trust.ts';
import { openWitnessedCheckpoint, verifyEvidence } from './verify.ts';

const witness = signerOf('witness');
const raw = rawPublicKey(witness.public_key_spki);
const vkey = formatCosignerKey('witness.example/w1', raw);
const names = { decision: 'decision', log: 'log' };
const logKey = noteVerifier(origin, rawPublicKey(signerOf('log').public_key_spki));

describe('a cosignature', () => {
  const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
  const line = cosign(text, 'witness.example/w1', witness, 1679315147);
  const signature = () => parseNote(`${text}\n${line}`).signatures[0] ?? { name: '', key_id: 0, sig: new Uint8Array() };
  const key = parseCosignerKey(vkey);

  it('is over the lines of cosignature/v1, by a key of type 04, with its time in front', () => {
    expect(vkey).toMatch(/^witness\.example\/w1\+[0-9a-f]{8}\+B/);
    const { sig } = signature();
    expect(Buffer.from(sig).readBigUInt64BE(0)).toBe(1679315147n);
    const signed = Buffer.from(`cosignature/v1\ntime 1679315147\n${text}`);
    expect(Buffer.from(sig.slice(8)).equals(Buffer.from(witness.sign(signed)))).toBe(true);
    expect(cosignedAt(text, signature(), key)).toBe(1679315147);
  });

  it('is of this text, this time and this key only', () => {
    expect(cosignedAt(text.replace('3', '4'), signature(), key)).toBeUndefined();
    const later = { ...signature(), sig: Uint8Array.from(signature().sig) };
    later.sig[7] = (later.sig[7] ?? 0) ^ 1;
    expect(cosignedAt(text, later, key)).toBeUndefined();
    expect(() => cosignaturesOf(text, [later], [key])).toThrow(/not valid/);
    expect(cosignaturesOf(text, [later], [])).toEqual([]);
    for (const bad of ['', vkey.replace('w1', 'w2'), vkey.replace('+B', '+A'), `w+00000000+${Buffer.alloc(33, 4).toString('base64')}`])
      expect(() => parseCosignerKey(bad)).toThrow(/refused/);
  });
});

describe('a witness', () => {
  // The published conversation of torchwood's litewitness (internal/witness/witness_test.go): its log signs made-up roots.
  const sigsum = 'sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562';
  const key = publicKeyOf(Buffer.from('ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f', 'hex')).raw;
  const note = (size: number, root: string, sig: string) => `${sigsum}\n${size}\n${root}\n\n— ${sigsum} ${sig}\n`;
  const one = note(
    1,
    'KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=',
  );
  const three = note(
    3,
    'RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=',
    'UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=',
  );
  const five = note(
    5,
    'QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=',
    'UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=',
  );
  const toThree = 'KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nKgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n';
  const toFive =
    'KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=\nKgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n';

  /** Answers as a witness does: what it cosigned is what it knows. */
  const serving = (known: KnownTree | null = null, verifier = noteVerifier(sigsum, key)) => {
    let last = known;
    return (body: string) => {
      const verdict = judgeAddCheckpoint(parseAddCheckpoint(body), (name) =>
        name === verifier.name ? { keys: [verifier], known: last } : undefined,
      );
      if (verdict.status === 200) last = { size: verdict.head.size, root: verdict.head.root };
      return verdict.status === 409 ? `409 ${verdict.size}` : String(verdict.status);
    };
  };

  it('holds the published conversation', () => {
    const asked = serving();
    expect(asked(`old 0\n\n${one}`)).toBe('200');
    expect(asked(`old 0\n\n${one}`)).toBe('409 1');
    expect(asked(`old 1\n\n${one}`)).toBe('200');
    expect(asked(`old 1\n${toThree}\n${five}`)).toBe('422');
    expect(asked(`old 1\n${toFive}\n${five}`)).toBe('200');
    // The race: three was judged against one, but five came first.
    expect(asked(`old 1\n${toThree}\n${three}`)).toBe('409 5');
    expect(asked(`old 5\n\n${three}`)).toBe('400');
    expect(asked(`old 5\n\n${five.replaceAll('sigsum.org', 'other.org')}`)).toBe('404');
    expect(asked(`old 5\n\n${five.replace('UgIomw/E', 'UgIomw/F')}`)).toBe('403');
    expect(asked(`old 5\n\n${five.replaceAll('UgIo', 'AgIo')}`)).toBe('403');
    expect(asked(`old 0\n${'KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n'.repeat(64)}\n${one}`)).toBe('400');
    for (const bad of ['', 'old 1', `old 01\n\n${one}`, `old 1\nKg==\n\n${one}`, `old -1\n\n${one}`, `old 1\n\nnothing\n`, `\u0000${one}`])
      expect(asked(bad)).toBe('400');
  });

  const signed = (size: number, root: Uint8Array) => signCheckpoint({ origin, size, root }, signerOf('log'));
  const leaf = Buffer.alloc(32, 7);
  it.each<[string, KnownTree | null, string, string]>([
    ['the empty tree', null, `old 0\n\n${signed(0, emptyRoot)}`, '200'],
    ['an invalid empty root', null, `old 0\n\n${signed(0, leaf)}`, '422'],
    ['the empty tree with a proof', null, `old 0\n${leaf.toString('base64')}\n\n${signed(0, emptyRoot)}`, '422'],
    ['a first tree', null, `old 0\n\n${signed(1, leaf)}`, '200'],
    ['a first tree with a proof', null, `old 0\n${leaf.toString('base64')}\n\n${signed(1, leaf)}`, '422'],
    ['another tree of the same size', { size: 1, root: emptyRoot }, `old 1\n\n${signed(1, leaf)}`, '409 1'],
  ])('judges %s', (_what, known, body, status) => {
    expect(serving(known, logKey)(body)).toBe(status);
  });

  it('follows a log of ours from any size to any larger one, and back to none', () => {
    const log = buildLog(
      Array.from({ length: 9 }, (_, at) => promotionDraft(at)),
      names,
    );
    const rootOf = (size: number) =>
      buildLog(
        Array.from({ length: size }, (_, at) => promotionDraft(at)),
        names,
      ).root;
    for (let old = 1; old <= 9; old += 1) {
      for (let size = old; size <= 9; size += 1) {
        const proof = old === size ? [] : consistencyProof(old, size, log.readNode);
        const body = formatAddCheckpoint({ old, proof, checkpoint: signed(size, rootOf(size)) });
        expect(serving({ size: old, root: rootOf(old) }, logKey)(body)).toBe('200');
        expect(serving({ size: old, root: leaf }, logKey)(body)).toBe(old === size ? `409 ${old}` : '422');
      }
    }
  });

  it('is not believed whatever it answers', () => {
    expect(readWitnessAnswer(409, '12\n')).toEqual({ size: 12 });
    for (const [status, body] of [
      [409, 'soon\n'],
      [409, ''],
      [200, ''],
      [200, '<html>'],
      [302, ''],
      [500, 'x'],
    ] as const)
      expect(() => readWitnessAnswer(status, body)).toThrow();
  });
});

describe('a root with witnesses', () => {
  const log = buildLog([promotionDraft(1), promotionDraft(2)], names);
  const other = formatCosignerKey('witness.example/w2', rawPublicKey(signerOf('other').public_key_spki));
  const trust = (quorum: number) => loadTrust({ ...trustOver(names), witnesses: { keys: [vkey, other], quorum } });
  const line = (name: string, by: string) => cosign(parseNote(log.checkpoint).text, name, signerOf(by), 1_790_000_000);
  const seen = log.checkpoint + line('witness.example/w1', 'witness');

  it('believes a checkpoint that enough of them cosigned, and counts keys', () => {
    expect(openWitnessedCheckpoint(seen, trust(1)).size).toBe(2);
    expect(() => openWitnessedCheckpoint(log.checkpoint, trust(1))).toThrow(/0 of the 1 witnesses/);
    expect(() => openWitnessedCheckpoint(seen + line('witness.example/w1', 'witness'), trust(2))).toThrow(/1 of the 2/);
    expect(() => openWitnessedCheckpoint(seen + line('witness.example/w2', 'mallory'), trust(1))).not.toThrow();
    expect(openWitnessedCheckpoint(seen + line('witness.example/w2', 'other'), trust(2)).size).toBe(2);
    // A known key and a signature of something else: the whole note is refused, however many others are good.
    const ofOther = cosign(`${origin}\n2\n${'A'.repeat(43)}=\n`, 'witness.example/w1', witness, 1_790_000_000);
    expect(() => openWitnessedCheckpoint(log.checkpoint + line('witness.example/w2', 'other') + ofOther, trust(1))).toThrow(/not valid/);
  });

  it('names it as the check that fails', () => {
    const file = log.file(1);
    expect(verifyEvidence(file, trust(1))).toMatchObject({ verified: false, failed_at: 'witnesses' });
    expect(verifyEvidence({ ...file, proof: file.proof + line('witness.example/w1', 'witness') }, trust(1))).toMatchObject({
      verified: true,
    });
  });

  it('has nobody twice, and nobody of the deployment', () => {
    const root =
      (keys: string[], quorum = 1) =>
      () =>
        loadTrust({ ...trustOver(names), witnesses: { keys, quorum } });
    expect(root([vkey, formatCosignerKey('witness.example/again', raw)])).toThrow(/twice/);
    expect(root([vkey], 2)).toThrow(/larger than/);
    expect(root([formatCosignerKey('w', rawPublicKey(signerOf('log').public_key_spki))])).toThrow(/its witness/);
  });
});
