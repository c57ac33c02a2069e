import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signCheckpoint } from './checkpoint.ts';
import { digestOf } from './digest.ts';
import { pae, signEnvelope, signPayload, statementPayloadType } from './dsse.ts';
import { type EvidenceFile, evidenceFile } from './evidence-file.ts';
import { publicKeyOf, rawPublicKey } from './key.ts';
import { leafBody } from './leaf.ts';
import { buildLog, origin, promotionDraft, signerOf, trustOver } from './log.fixture.ts';
import { inclusionProof, leafHash, nodeHash } from './merkle.ts';
import { formatProof, parseProof } from './proof.ts';
import { loadTrust, trustOf } from './trust.ts';
import { type Expected, evidenceChecks, openLogCheckpoint, verifyEvidence } from './verify.ts';

const names = { decision: 'decision', log: 'log' };
const drafts = Array.from({ length: 23 }, (_, run) => promotionDraft(run));
const log = buildLog(drafts, names);
const trust = loadTrust(trustOver(names));
const file = log.file(7);

function failedAt(changed: unknown, root = trust, expected: Expected = {}): string {
  const result = verifyEvidence(changed, root, expected);
  expect(result.verified).toBe(result.failed_at === undefined);
  expect(result.record === undefined).toBe(!result.verified);
  if (!result.verified) expect(result.checks.at(-1)).toMatchObject({ name: result.failed_at, ok: false });
  return result.failed_at ?? 'verified';
}

/** The file with its envelope and leaf replaced by another signing of some payload, wrongly placed at leaf 7. */
function resigned(payload: Uint8Array, signers: Parameters<typeof signEnvelope>[1], payloadType = statementPayloadType): EvidenceFile {
  const envelope = signEnvelope(payload, signers, payloadType);
  const body = leafBody(
    digestOf(payload),
    signers.map((signer) => signPayload(payload, signer, payloadType)),
  );
  return {
    ...file,
    ref: digestOf(payload),
    envelope: { ...envelope, signatures: [...envelope.signatures] },
    leaf_body: Buffer.from(body).toString('base64'),
  };
}

describe('evidence verifies', () => {
  test('every record of a log, with every check made, in order', () => {
    for (let index = 0; index < drafts.length; index += 1) {
      const result = verifyEvidence(log.file(index), trust, { ref: drafts[index]?.ref ?? '' });
      expect(result.checks.map(({ name, ok }) => [name, ok])).toEqual(
        evidenceChecks.filter((name) => name !== 'witnesses').map((name) => [name, true]),
      );
      expect(result).toMatchObject({
        verified: true,
        record: { leaf_index: index, tree_size: 23, statement: { kind: 'promotion', predicate: { run_id: `run-${index}` } } },
      });
    }
  });

  test('after JSON, and in either base64 alphabet', () => {
    expect(failedAt(JSON.parse(JSON.stringify(file)))).toBe('verified');
    const url = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const signatures = file.envelope.signatures.map(({ sig }) => ({ sig: url(sig) }));
    expect(failedAt({ ...file, envelope: { ...file.envelope, payload: url(file.envelope.payload), signatures } })).toBe('verified');
  });
});

describe('evidence does not verify', () => {
  test('any changed byte of the file: never verified, never an exception', () => {
    const bytes = Buffer.from(JSON.stringify(file));
    const free = new Set(['keyid']);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        let value: unknown;
        try {
          value = JSON.parse(changed.toString('utf8'));
        } catch {
          return;
        }
        // The one member nothing depends on: the hint which key to try.
        const hint = (JSON.parse(JSON.stringify(value), (key, member: unknown) => (free.has(key) ? undefined : member)) as unknown) ?? null;
        const original: unknown = JSON.parse(JSON.stringify(file), (key, member: unknown) => (free.has(key) ? undefined : member));
        if (JSON.stringify(hint) === JSON.stringify(original)) return;
        expect(failedAt(value)).not.toBe('verified');
      }),
      { numRuns: 3000 },
    );
  });

  test('whatever else it is', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(failedAt(value)).toBe('format');
      }),
    );
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('boo');
        },
        ownKeys: () => {
          throw new Error('boo');
        },
      },
    );
    expect(failedAt(hostile)).toBe('format');
  });

  test('a complete log signed again with other keys', () => {
    const forged = buildLog(drafts, { decision: 'mallory', log: 'mallory-log' });
    expect(verifyEvidence(forged.file(7), loadTrust(trustOver({ decision: 'mallory', log: 'mallory-log' }))).verified).toBe(true);
    expect(failedAt(forged.file(7))).toBe('signature');
    // Records by the true key, in a log by another.
    expect(failedAt(buildLog(drafts, { ...names, log: 'mallory-log' }).file(7))).toBe('checkpoint');
  });

  test('a record that was signed but never logged', () => {
    const other = promotionDraft(99);
    expect(failedAt(resigned(other.payload, [signerOf('decision')]))).toBe('inclusion');
  });

  test('an envelope beside the leaf of another record', () => {
    const other = log.file(8);
    expect(failedAt({ ...file, leaf_body: other.leaf_body })).toBe('leaf');
    expect(failedAt({ ...file, ref: other.ref })).toBe('ref');
    expect(failedAt({ ...file, proof: other.proof })).toBe('format');
    expect(failedAt({ ...file, leaf_index: 8, proof: other.proof })).toBe('inclusion');
  });

  test('a leaf that names another key for a good signature, even when it is in the tree', () => {
    const draft = promotionDraft(1);
    const { sig } = signPayload(draft.payload, signerOf('decision'));
    const body = leafBody(draft.ref, [{ sig, public_key_spki: signerOf('mallory').public_key_spki }]);
    const root = leafHash(body);
    const checkpoint = signCheckpoint({ origin, size: 1, root }, signerOf('log'));
    const swapped = evidenceFile({ ref: draft.ref, leaf_index: 0, payload: draft.payload, body }, [], checkpoint);
    expect(failedAt(swapped)).toBe('leaf');
  });

  test('an inner node passed off as a leaf, or a proof from another tree', () => {
    const readNode = log.readNode;
    const inner = nodeHash(readNode(0, 6), readNode(0, 7));
    expect(Buffer.compare(inner, readNode(1, 3))).toBe(0);
    const shorter = inclusionProof(7, 16, readNode);
    expect(failedAt({ ...file, proof: formatProof({ index: 7, hashes: shorter, checkpoint: log.checkpoint }) })).toBe('inclusion');
    const old = buildLog(drafts.slice(0, 16), names);
    expect(failedAt({ ...file, proof: formatProof({ index: 7, hashes: parseProof(file.proof).hashes, checkpoint: old.checkpoint }) })).toBe(
      'inclusion',
    );
    expect(failedAt({ ...file, proof: formatProof({ index: 7, hashes: shorter, checkpoint: old.checkpoint }) })).toBe('verified');
  });

  test('a good record of something else than was asked for', () => {
    expect(failedAt(file, trust, { ref: drafts[8]?.ref ?? '' })).toBe('ref');
    expect(failedAt(file, trust, { subject: digestOf('snapshot 8') })).toBe('subject');
    expect(failedAt(file, trust, { subject: digestOf('snapshot 7') })).toBe('verified');
  });

  test('a payload that says one thing twice, or a thing nobody knows', () => {
    const text = Buffer.from(promotionDraft(7).payload).toString();
    const sign = (changed: string) => failedAt(resigned(Buffer.from(changed), [signerOf('decision')]));
    expect(sign(text.replace('"run_id":"run-7"', '"run_id":"run-7","run_id":"run-8"'))).toBe('statement');
    expect(sign(text.replace('"generation":7', '"generation":7,"hidden":true'))).toBe('statement');
    expect(sign(text.replace('promotion:v1', 'promotion:v2'))).toBe('statement');
    expect(sign(text.replace('"generation":7', '"generation":9007199254740993'))).toBe('statement');
    expect(sign('not json')).toBe('statement');
    expect(sign(text.replace(/"sha256":"[0-9a-f]+"/, `"sha256":"${digestOf('other').slice(7)}"`))).toBe('subject');
  });

  test('another payload type, even signed', () => {
    expect(failedAt(resigned(promotionDraft(7).payload, [signerOf('decision')], 'text/plain'))).toBe('envelope');
    const sig = Buffer.from(signerOf('decision').sign(pae('text/plain', promotionDraft(7).payload))).toString('base64');
    expect(failedAt({ ...file, envelope: { ...file.envelope, signatures: [{ sig }] } })).toBe('signature');
  });
});

describe('keys', () => {
  const keyEntry = (name: string, purpose: 'decision' | 'log', role: string, range: [number, number | null] = [0, null]) => ({
    ...publicKeyOf(rawPublicKey(signerOf(name).public_key_spki)),
    purpose,
    role,
    from_index: range[0],
    to_index: range[1],
  });
  const logKey = keyEntry('log', 'log', 'log');

  test('are valid for a range of log indexes', () => {
    expect(failedAt(log.file(7), loadTrust(trustOver(names, 8)))).toBe('verified');
    expect(failedAt(log.file(8), loadTrust(trustOver(names, 8)))).toBe('key-range');
    const late = loadTrust(trustOf(origin, [keyEntry('decision', 'decision', 'governance', [8, null]), logKey]));
    expect(failedAt(log.file(7), late)).toBe('key-range');
    expect(failedAt(log.file(8), late)).toBe('verified');
  });

  test('of the log are valid for a range of tree sizes', () => {
    const rotated = (range: [number, number | null]) =>
      loadTrust(trustOf(origin, [keyEntry('decision', 'decision', 'governance'), keyEntry('log', 'log', 'log', range)]));
    expect(openLogCheckpoint(log.checkpoint, rotated([0, 23])).size).toBe(23);
    expect(() => openLogCheckpoint(log.checkpoint, rotated([0, 22]))).toThrow('not valid for a tree of 23');
    expect(failedAt(file, rotated([0, 22]))).toBe('checkpoint');
  });

  test('count once each towards a threshold, and only for their role', () => {
    const two = [{ kinds: ['promotion' as const], role: 'governance', threshold: 2 }];
    const root = loadTrust(
      trustOf(
        origin,
        [keyEntry('a', 'decision', 'governance'), keyEntry('b', 'decision', 'governance'), keyEntry('c', 'decision', 'store'), logKey],
        two,
      ),
    );
    const signedBy = (...signers: string[]) => failedAt(resigned(promotionDraft(7).payload, signers.map(signerOf)), root);
    expect(signedBy('a')).toBe('threshold');
    expect(signedBy('a', 'a')).toBe('threshold');
    expect(signedBy('a', 'c')).toBe('threshold');
    expect(signedBy('a', 'b')).toBe('inclusion');
    expect(signedBy('a', 'mallory', 'b')).toBe('inclusion');
    expect(signedBy('log')).toBe('signature');
  });

  test('sign nothing the root does not name them for', () => {
    const onlyApprovals = loadTrust(
      trustOf(
        origin,
        [keyEntry('decision', 'decision', 'governance'), logKey],
        [{ kinds: ['approval'], role: 'governance', threshold: 1 }],
      ),
    );
    expect(failedAt(file, onlyApprovals)).toBe('threshold');
    const swapped = loadTrust(trustOf(origin, [keyEntry('log', 'decision', 'governance'), keyEntry('decision', 'log', 'log')]));
    expect(failedAt(file, swapped)).toBe('signature');
  });
});
