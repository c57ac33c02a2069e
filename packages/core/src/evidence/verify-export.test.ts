import { describe, expect, test } from 'vitest';
import type { DecisionBody } from '../decision/decision.ts';
import { digestOf } from './digest.ts';
import { type EvidenceExport, exportedRecord } from './evidence-file.ts';
import { jcsDigest } from './jcs.ts';
import { buildLog, promotionDraft, trustOver } from './log.fixture.ts';
import { inclusionProof } from './merkle.ts';
import { draftRecord, parseStatement, type RecordDraft, subjectOf } from './statement.ts';
import { loadTrust } from './trust.ts';
import { verifyExport } from './verify-export.ts';
import { verificationSummary } from './vsa.ts';

const names = { decision: 'decision', log: 'log' };
const trust = loadTrust(trustOver(names));
const at = '2026-11-21T03:00:00.000Z';
const snapshot = digestOf('snapshot');
const source = 'name: quality\nversion: "1"\n';
const facts = '{"as_of":"2026-11-21T03:00:00.000Z"}';
const row = { subject: [subjectOf('gold/snap', snapshot)], run_id: 'run-1', tenant_id: 'default', dataset_id: 'gold', recorded_at: at };
const said = {
  environment: 'local_parity',
  service_release_id: 'govctl-0.1.0',
  actor: { actor_id: 'HUMAN::alice', authenticated_by: 'api-key:k1' },
  salt: '00112233445566778899aabbccddeeff',
};

function decisionRecord(previous: string | null, verdict: DecisionBody['decision'], hash = snapshot): RecordDraft {
  const decision: DecisionBody = {
    decision: verdict,
    run_id: 'run-1',
    subject: { tenant_id: 'default', dataset_id: 'gold', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: 'snap', snapshot_hash: hash },
    promotion_type: 'raw_to_gdp',
    gate_set: 'promotion',
    gates: [],
    policy_rev: digestOf('rev'),
    kernel_version: '1',
    input_digest: digestOf('input'),
    decided_by: 'policy',
    valid_from: at,
    valid_until: at,
  };
  return draftRecord({
    ...row,
    subject: [subjectOf('gold/snap', hash)],
    kind: 'decision',
    predicate: {
      ...said,
      previous,
      decision,
      decision_digest: jcsDigest(decision),
      facts_digest: digestOf(facts),
      policies: [{ name: 'quality', version: '1', digest: digestOf(source) }],
      inputs: [{ ref: 'snapshot/snap', digest: snapshot }],
    },
    facts,
  });
}

function promotionRecord(previous: string, decision_ref: string): RecordDraft {
  return draftRecord({
    ...row,
    kind: 'promotion',
    predicate: {
      ...said,
      previous,
      promotion_type: 'raw_to_gdp',
      from_layer: 'RAW',
      to_layer: 'GDP',
      snapshot_id: 'snap',
      snapshot_hash: snapshot,
      generation: 1,
      fence: 1,
      replaced_snapshot_id: null,
      decision_ref,
      policy_rev: digestOf('rev'),
    },
  });
}

const deferred = decisionRecord(null, 'defer');
const allowed = decisionRecord(deferred.ref, 'allow');
const promoted = promotionRecord(allowed.ref, allowed.ref);

/** An export of these records out of a log that holds others too. */
function exportOf(drafts: readonly RecordDraft[]): EvidenceExport {
  const log = buildLog([promotionDraft(1), ...drafts, promotionDraft(2)], names);
  return {
    schemaVersion: 'govctl/v1',
    kind: 'EvidenceExport',
    run_id: 'run-1',
    checkpoint: log.checkpoint,
    records: log.records
      .filter(({ ref }) => drafts.some((draft) => draft.ref === ref))
      .map((record) =>
        exportedRecord(
          record,
          inclusionProof(record.leaf_index, log.records.length, log.readNode),
          drafts.find(({ ref }) => ref === record.ref)?.facts ?? null,
        ),
      ),
    policies: [{ digest: digestOf(source), name: 'quality', version: '1', source }],
  };
}

function summaryOf(draft: RecordDraft): RecordDraft {
  const parsed = parseStatement(JSON.parse(Buffer.from(draft.payload).toString()));
  if (!parsed.ok || parsed.statement.kind !== 'decision') throw new Error('not a decision');
  return verificationSummary({ ref: draft.ref, ...parsed.statement });
}

const bundle = exportOf([deferred, allowed, promoted]);

function failedAt(file: unknown): string {
  const result = verifyExport(file, trust);
  expect(result.verified).toBe(result.failed_at === undefined);
  return result.failed_at ?? 'verified';
}

/** The bundle with one member of one record changed. */
function withRecord(index: number, change: object): unknown {
  return { ...bundle, records: bundle.records.map((record, position) => (position === index ? { ...record, ...change } : record)) };
}

describe('an export of a run', () => {
  test('verifies as a whole, and each record in it', () => {
    const result = verifyExport(JSON.parse(JSON.stringify(bundle)), trust);
    expect(result.checks.map(({ name }) => name)).toEqual([
      'format',
      'checkpoint',
      'records',
      'run',
      'chain',
      'decision',
      'facts',
      'policies',
      'summaries',
    ]);
    expect(result).toMatchObject({ verified: true, records: [{ verified: true }, { verified: true }, { verified: true }] });
  });

  test('by other keys does not', () => {
    expect(verifyExport(bundle, loadTrust(trustOver({ ...names, decision: 'mallory' })))).toMatchObject({
      failed_at: 'records',
      records: [{ failed_at: 'signature' }, {}, {}],
    });
    expect(verifyExport(bundle, loadTrust(trustOver({ ...names, log: 'mallory' }))).failed_at).toBe('checkpoint');
  });

  test('shows a record that was taken out, doubled or moved', () => {
    const { records } = bundle;
    expect(failedAt({ ...bundle, records: records.slice(1) })).toBe('chain');
    expect(failedAt({ ...bundle, records: records.toSpliced(1, 1) })).toBe('chain');
    expect(failedAt({ ...bundle, records: [...records, ...records.slice(-1)] })).toBe('run');
    expect(failedAt({ ...bundle, records: records.toReversed() })).toBe('run');
    expect(failedAt({ ...bundle, run_id: 'run-2' })).toBe('run');
  });

  test('shows a promotion without its allow', () => {
    expect(failedAt(exportOf([deferred, promotionRecord(deferred.ref, deferred.ref)]))).toBe('decision');
    expect(failedAt(exportOf([deferred, promotionRecord(deferred.ref, digestOf('elsewhere'))]))).toBe('decision');
    const other = decisionRecord(null, 'allow', digestOf('another snapshot'));
    expect(failedAt(exportOf([other, promotionRecord(other.ref, other.ref)]))).toBe('decision');
  });

  test('shows facts and policy bytes that are not those signed for', () => {
    expect(failedAt(withRecord(0, { facts: facts.replace('2026', '2025') }))).toBe('facts');
    expect(failedAt(withRecord(0, { facts: null }))).toBe('facts');
    expect(failedAt(withRecord(2, { facts }))).toBe('facts');
    expect(failedAt({ ...bundle, policies: bundle.policies.map((policy) => ({ ...policy, source: `${source} ` })) })).toBe('policies');
    expect(failedAt({ ...bundle, policies: [] })).toBe('policies');
  });

  test('shows a changed record and names the check', () => {
    const result = verifyExport(withRecord(1, { leaf_index: 1 }), trust);
    expect(result).toMatchObject({ failed_at: 'records', records: [{ verified: true }, { failed_at: 'inclusion' }, { verified: true }] });
    expect(result.checks.at(-1)?.detail).toContain(`${allowed.ref}: inclusion`);
    expect(verifyExport(withRecord(1, { hashes: ['*'] }), trust)).toMatchObject({ records: [{}, { failed_at: 'format' }, {}] });
  });

  test('shows a summary that says something else than its decision, or more', () => {
    const summary = summaryOf(allowed);
    expect(failedAt(exportOf([deferred, allowed, summary, promoted]))).toBe('verified');
    expect(failedAt(exportOf([deferred, summaryOf(deferred), allowed, promoted]))).toBe('summaries');
    const statement = JSON.parse(Buffer.from(summary.payload).toString());
    const payload = Buffer.from(JSON.stringify({ ...statement, predicate: { ...statement.predicate, verifiedLevels: ['GOVCTL_KPI'] } }));
    expect(failedAt(exportOf([deferred, allowed, { ...summary, payload, ref: digestOf(payload) }, promoted]))).toBe('summaries');
    expect(failedAt(exportOf([summary, promoted]))).toBe('chain');
  });

  test('that is something else is told so, without an exception', () => {
    for (const file of [null, [], 'x', {}, { ...bundle, extra: 1 }, { ...bundle, records: [] }]) expect(failedAt(file)).toBe('format');
    expect(failedAt({ ...bundle, checkpoint: 'x' })).toBe('checkpoint');
  });
});

describe('a verification summary', () => {
  test('passes for an allow only, and is the same every time', () => {
    const read = (draft: RecordDraft): unknown => JSON.parse(Buffer.from(summaryOf(draft).payload).toString());
    expect(read(allowed)).toMatchObject({
      predicateType: 'https://slsa.dev/verification_summary/v1',
      subject: [{ digest: { sha256: snapshot.slice(7) } }],
      predicate: {
        verificationResult: 'PASSED',
        verifiedLevels: ['GOVCTL_GDP'],
        resourceUri: 'urn:govctl:dataset:default:gold:GDP',
        timeVerified: at,
        inputAttestations: [{ digest: { sha256: allowed.ref.slice(7) } }, { digest: { sha256: snapshot.slice(7) } }],
      },
    });
    const denied = decisionRecord(deferred.ref, 'deny');
    expect(read(denied)).toMatchObject({ predicate: { verificationResult: 'FAILED', verifiedLevels: ['FAILED'] } });
    expect(summaryOf(allowed)).toEqual(summaryOf(allowed));
  });
});
