import { digestHex, digestOf } from './digest.ts';
import type { Predicate } from './predicate.ts';
import { draftRecord, type RecordDraft, type Subject } from './statement.ts';

/** What a summary is made from: the decision record, of which it is a pure function. */
export type SummarisedDecision = {
  readonly ref: string;
  readonly subject: readonly Subject[];
  readonly predicate: Predicate<'decision'>;
};

/**
 * The record beside a final decision: the same verdict as a SLSA verification summary, so that consumers who know nothing of us can act
 * on it. A pure function of the decision record, which makes it checkable by whoever has both. Only an allow is `PASSED`; a defer is no
 * verdict yet and has no summary.
 *
 * SLSA's fields are in SLSA's spelling; consumers must ignore those they do not know, which are ours (`run_id`, `previous`, ...).
 *
 * @see https://slsa.dev/spec/v1.1/verification_summary
 */
export function verificationSummary({ ref, subject, predicate }: SummarisedDecision): RecordDraft {
  const { decision, environment, inputs, policies, run_id, tenant_id, dataset_id, recorded_at } = predicate;
  const { to_layer } = decision.subject;
  const passed = decision.decision === 'allow';
  return draftRecord({
    kind: 'verification-summary',
    subject,
    predicate: {
      environment,
      service_release_id: predicate.service_release_id,
      actor: predicate.actor,
      // Random like the decision's, because it is made of it: the logged digest gives nothing away either.
      salt: digestHex(digestOf(`verification-summary:${predicate.salt}`)).slice(0, 32),
      previous: ref,
      verifier: { id: `urn:govctl:verifier:${environment}`, version: { govctl: decision.kernel_version } },
      timeVerified: recorded_at,
      resourceUri: `urn:govctl:dataset:${tenant_id}:${decision.subject.dataset_id}:${to_layer}`,
      policy: {
        uri: `urn:govctl:policy:${policies.map(({ name, version }) => `${name}@${version}`).join(',')}`,
        ...(decision.policy_rev === null ? {} : { digest: { sha256: digestHex(decision.policy_rev) } }),
      },
      inputAttestations: [
        { uri: `urn:govctl:record:${ref}`, digest: { sha256: digestHex(ref) } },
        ...inputs.map((input) => ({ uri: `urn:govctl:input:${input.ref}`, digest: { sha256: digestHex(input.digest) } })),
      ],
      verificationResult: passed ? 'PASSED' : 'FAILED',
      verifiedLevels: [passed ? `GOVCTL_${to_layer}` : 'FAILED'],
      slsaVersion: '1.1',
    },
    run_id,
    tenant_id,
    dataset_id,
    recorded_at,
  });
}
