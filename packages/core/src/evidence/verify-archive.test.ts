import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ArchiveManifest, archiveEnd, archiveHead, archiveLine, archiveRecord } from './archive.ts';
import { buildLog, origin, promotionDraft, signerOf, trustOver } from './log.fixture.ts';
import { inclusionProof } from './merkle.ts';
import { loadTrust } from './trust.ts';
import { ArchiveVerifier } from './verify-archive.ts';

const names = { decision: 'decision', log: 'log' };
const trust = loadTrust(trustOver(names));
const log = buildLog([0, 1, 2, 3, 4, 5].map(promotionDraft), names);
const time = { since: '2026-11-21T00:00:00.000Z', until: null };

type Options = {
  leaves?: readonly number[];
  signer?: string;
  dataset_id?: string | null;
  erased?: number;
  manifest?: Partial<ArchiveManifest>;
};

/** An archive over some leaves, its manifest of what is in it unless said otherwise. */
function archive({ leaves = [1, 2, 3, 4], signer = 'decision', dataset_id = null, erased, manifest }: Options = {}): string[] {
  const head = archiveHead({ ...time, tenant_id: null, dataset_id, origin, tree_size: 6, checkpoint: log.checkpoint, keys: [] });
  const records = leaves.map((leaf) => {
    const record = log.records[leaf];
    if (record === undefined) throw new RangeError(`no leaf ${leaf}`);
    const payload = leaf === erased ? null : record.payload;
    return archiveRecord(
      { ...record, payload, kind: 'promotion', recorded_at: '2026-11-21T03:00:00.000Z', facts: null },
      inclusionProof(leaf, 6, log.readNode),
    );
  });
  const lines = [head, ...records].map(archiveLine);
  const digest = `sha256:${createHash('sha256').update(lines.join('')).digest('hex')}`;
  const seen = {
    ...time,
    tenant_id: null,
    dataset_id,
    tree_size: 6,
    first_leaf: leaves[0] ?? 0,
    last_leaf: leaves.at(-1) ?? 0,
    records: leaves.length,
    erased: erased === undefined ? 0 : 1,
    policies: 0,
    by_kind: { promotion: leaves.length },
  };
  return [...lines, archiveLine(archiveEnd({ digest, ...seen, ...manifest }, signerOf(signer)))].map((line) => line.trimEnd());
}

function verify(lines: readonly string[], root = trust) {
  const verifier = new ArchiveVerifier(root);
  for (const line of lines) if (!verifier.push(Buffer.from(line))) break;
  return verifier.end();
}

describe('an archive', () => {
  test('verifies whole, names its checks, and gives the manifest', () => {
    const result = verify(archive());
    expect(result).toMatchObject({ verified: true, manifest: { records: 4, first_leaf: 1, last_leaf: 4 } });
    expect(result.checks.map(({ name }) => name)).toEqual(['format', 'checkpoint', 'order', 'policies', 'records', 'facts', 'manifest']);
    expect(verify(archive({ erased: 2 })).manifest?.erased).toBe(1);
  });

  test('signed again by others, or under another root, it does not', () => {
    expect(verify(archive({ signer: 'mallory' })).failed_at).toBe('manifest');
    expect(verify(archive(), loadTrust(trustOver({ decision: 'decision', log: 'other' }))).failed_at).toBe('checkpoint');
    expect(verify(archive(), loadTrust(trustOver({ decision: 'other', log: 'log' }))).failed_at).toBe('records');
    expect(verify(archive({ dataset_id: 'silver' })).failed_at).toBe('records');
  });

  test('a manifest that says something else than what is there does not', () => {
    const lies: Partial<ArchiveManifest>[] = [
      { records: 5 },
      { first_leaf: 0 },
      { last_leaf: 5 },
      { erased: 1 },
      { policies: 1 },
      { by_kind: { promotion: 3, decision: 1 } },
      { since: '2026-11-20T00:00:00.000Z' },
      { tree_size: 5 },
      { digest: `sha256:${'0'.repeat(64)}` },
    ];
    for (const manifest of lies) expect(verify(archive({ manifest })).failed_at, JSON.stringify(manifest)).toBe('manifest');
  });

  test('of a whole range every leaf must be there, whatever the manifest says; of a dataset its records need not touch', () => {
    expect(verify(archive({ leaves: [1, 2, 4] }))).toMatchObject({ verified: false, failed_at: 'order' });
    expect(verify(archive({ leaves: [2, 1] })).failed_at).toBe('order');
    expect(verify(archive({ leaves: [1, 2, 4], dataset_id: 'gold' })).verified).toBe(true);
    const shorter = archive({ leaves: [1, 2, 4], dataset_id: 'gold' }).toSpliced(2, 1);
    expect(verify(shorter).failed_at).toBe('manifest');
  });

  test('cut off, doubled, empty or with anything behind it, it does not', () => {
    const lines = archive();
    for (let length = 0; length < lines.length; length += 1) expect(verify(lines.slice(0, length)).verified).toBe(false);
    expect(verify([...lines, lines[1] ?? '']).failed_at).toBe('end');
    expect(verify([...lines.slice(0, -1), ...lines]).failed_at).toBe('format');
    expect(verify(lines.slice(1)).failed_at).toBe('format');
  });

  test('with any byte changed before its end it does not', () => {
    const lines = archive();
    fc.assert(
      fc.property(fc.nat({ max: lines.length - 2 }), fc.nat(), fc.integer({ min: 1, max: 127 }), (at, where, flip) => {
        const bytes = Buffer.from(lines[at] ?? '');
        const place = where % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ flip;
        expect(verify(lines.with(at, bytes.toString('latin1'))).verified).toBe(false);
      }),
    );
  });
});
