import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from './digest.ts';
import { jcsDigest } from './jcs.ts';
import { promotionDraft } from './log.fixture.ts';
import { recordKinds } from './predicate.ts';
import { draftRecord, parseStatement, predicateType, type RecordDraft, subjectOf } from './statement.ts';

const digest = digestOf('thing');
const at = '2026-11-21T03:00:00.000Z';
const said = {
  environment: 'local_parity',
  service_release_id: 'govctl-0.1.0',
  actor: { actor_id: 'HUMAN::alice', authenticated_by: 'api-key:k1' },
  salt: '00112233445566778899aabbccddeeff',
  previous: null,
};
const row = { subject: [subjectOf('thing', digest)], run_id: 'run-1', tenant_id: 'default', dataset_id: 'gold', recorded_at: at };

const decision = {
  decision: 'allow' as const,
  run_id: 'run-1',
  subject: {
    tenant_id: 'default',
    dataset_id: 'gold',
    from_layer: 'RAW' as const,
    to_layer: 'GDP' as const,
    snapshot_id: 's',
    snapshot_hash: digest,
  },
  promotion_type: 'raw_to_gdp' as const,
  gate_set: 'promotion' as const,
  gates: [],
  policy_rev: null,
  kernel_version: '1',
  input_digest: digest,
  decided_by: 'policy' as const,
  valid_from: at,
  valid_until: at,
};

/** One good record of each kind. */
const drafts: Record<(typeof recordKinds)[number], RecordDraft> = {
  decision: draftRecord({
    ...row,
    kind: 'decision',
    predicate: {
      ...said,
      decision,
      decision_digest: jcsDigest(decision),
      facts_digest: digest,
      policies: [{ name: 'p', version: '1', digest }],
      inputs: [{ ref: 'r', digest }],
    },
    facts: '{"as_of":1}',
  }),
  promotion: promotionDraft(1),
  approval: draftRecord({
    ...row,
    kind: 'approval',
    predicate: {
      ...said,
      request_id: 'r',
      verdict: 'approve',
      role: 'owner',
      snapshot_hash: digest,
      target: 'gold/KPI',
      policy_rev: digest,
      reason: 'ok',
      overrides: [],
      expires_at: at,
    },
  }),
  waiver: draftRecord({
    ...row,
    kind: 'waiver',
    predicate: { ...said, waiver_id: 'w1', rule: 'p/r', subject: 'gold', reason: 'known', expires_at: at },
  }),
  'ref-resolution': draftRecord({
    ...row,
    kind: 'ref-resolution',
    predicate: { ...said, ref: digest, outcome: 'allow', reason: 'granted', request_id: 'q', digest, length: 3, jti: 'j', expires_at: at },
  }),
  'key-event': draftRecord({
    ...row,
    kind: 'key-event',
    predicate: {
      ...said,
      event: 'enrolled',
      purpose: 'decision',
      keyid: digest.slice(7),
      public_key: 'MCow',
      from_index: 0,
      to_index: null,
      reason: 'init',
    },
  }),
  'run-result': draftRecord({
    ...row,
    kind: 'run-result',
    predicate: {
      ...said,
      run_kind: 'promotion',
      phase: 'FAILED',
      status: 'cancelled',
      decision_ref: null,
      manifest_digest: null,
      reason: 'asked',
    },
  }),
  audit: draftRecord({
    ...row,
    kind: 'audit',
    predicate: { ...said, event: 'audit.closed', audit_id: 'a', outcome: 'closed', reason: 'seen', detail: { n: 1 } },
  }),
  'registry-event': draftRecord({
    ...row,
    kind: 'registry-event',
    predicate: { ...said, event: 'bundle.published', bundle_id: 'b', bundle_digest: digest, scope_key: 'k', reason: 'new' },
  }),
  'governance-fact': draftRecord({
    ...row,
    kind: 'governance-fact',
    run_id: null,
    dataset_id: null,
    predicate: { ...said, fact: 'contract.apply', subject: 'contract/gold', digest, reason: null, detail: { version: 3 } },
  }),
  'verification-summary': draftRecord({
    ...row,
    kind: 'verification-summary',
    predicate: {
      ...said,
      verifier: { id: 'urn:govctl:verifier:dev', version: { govctl: '1' } },
      timeVerified: at,
      resourceUri: 'urn:govctl:dataset:default:gold:KPI',
      policy: { uri: 'urn:govctl:policy:p@1' },
      inputAttestations: [{ uri: `urn:govctl:record:${digest}`, digest: { sha256: digest.slice(7) } }],
      verificationResult: 'PASSED',
      verifiedLevels: ['GOVCTL_KPI'],
      slsaVersion: '1.1',
    },
  }),
};

const parsed = (draft: RecordDraft): unknown => JSON.parse(Buffer.from(draft.payload).toString());

describe('records', () => {
  test.each(recordKinds)('a %s is an in-toto Statement v1 with a closed predicate', (kind) => {
    const draft = drafts[kind];
    const value = parsed(draft);
    expect(value).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: kind === 'verification-summary' ? 'https://slsa.dev/verification_summary/v1' : `urn:govctl:predicate:${kind}:v1`,
    });
    const result = parseStatement(value);
    expect(result).toMatchObject({ ok: true, statement: { kind } });
    const { predicate } = value as { predicate: Record<string, unknown> };
    for (const name of Object.keys(predicate)) {
      const { [name]: _gone, ...rest } = predicate;
      expect(parseStatement({ ...(value as object), predicate: rest }).ok, `${kind} without ${name}`).toBe(false);
    }
    expect(parseStatement({ ...(value as object), predicate: { ...predicate, extra: 1 } }).ok).toBe(false);
    expect(parseStatement({ ...(value as object), extra: 1 }).ok).toBe(false);
  });

  test('the ref is the digest of the exact payload, and differs by salt alone', () => {
    const draft = drafts.promotion;
    expect(draft.ref).toBe(digestOf(draft.payload));
    const salted = (salt: string) =>
      draftRecord({
        ...row,
        kind: 'governance-fact',
        predicate: { ...said, salt, fact: 'lock.break', subject: 'l', digest: null, reason: null, detail: {} },
      }).ref;
    expect(salted('0'.repeat(32))).not.toBe(salted('1'.repeat(32)));
  });

  test('row and statement say the same', () => {
    for (const draft of Object.values(drafts)) {
      const { run_id, tenant_id, dataset_id, recorded_at } = draft;
      expect(parsed(draft)).toMatchObject({ predicate: { run_id, tenant_id, dataset_id, recorded_at } });
    }
    expect(drafts.decision.facts).toBe('{"as_of":1}');
    expect('facts' in drafts.promotion).toBe(false);
  });

  test('unknown members are refused however deep they lie', () => {
    const value = parsed(drafts.decision) as { predicate: { decision: object } };
    const deeper = {
      ...value,
      predicate: { ...value.predicate, decision: { ...value.predicate.decision, gates: [], subject: { ...decision.subject, extra: 1 } } },
    };
    expect(parseStatement(deeper)).toMatchObject({ ok: false, reason: expect.stringContaining('extra') });
  });

  test('another type, another predicate type and another version are refused', () => {
    const value = parsed(drafts.promotion) as object;
    expect(parseStatement({ ...value, _type: 'https://in-toto.io/Statement/v0.1' }).ok).toBe(false);
    for (const type of ['urn:govctl:predicate:promotion:v2', 'https://slsa.dev/provenance/v1', predicateType('decision')]) {
      expect(parseStatement({ ...value, predicateType: type }).ok).toBe(false);
    }
    expect(parseStatement({ ...value, subject: [] }).ok).toBe(false);
    fc.assert(
      fc.property(fc.jsonValue(), (anything) => {
        expect(parseStatement(anything).ok).toBe(false);
      }),
    );
  });
});
