import { digestHex } from './digest.ts';
import { type Statement, statementType } from './statement.ts';

export const summaryPredicateType = 'https://slsa.dev/verification_summary/v1';

type DecisionStatement = Extract<Statement, { kind: 'decision' }>;

/**
 * A decision as a SLSA verification summary, so that consumers who know nothing of us can act on it. A pure function of the decision
 * record: the same record gives the same bytes, which whoever exports them signs. Only an allow is `PASSED`.
 *
 * @param ref the decision record's ref; it is what the summary points back to
 * @see https://slsa.dev/spec/v1.1/verification_summary
 */
export function verificationSummary(ref: string, statement: DecisionStatement): Uint8Array {
  const { subject, predicate } = statement;
  const { decision, environment, inputs, policies } = predicate;
  const { tenant_id, dataset_id, to_layer } = decision.subject;
  const passed = decision.decision === 'allow';
  return Buffer.from(
    JSON.stringify({
      _type: statementType,
      subject,
      predicateType: summaryPredicateType,
      predicate: {
        verifier: { id: `urn:govctl:verifier:${environment}`, version: { govctl: decision.kernel_version } },
        timeVerified: predicate.recorded_at,
        resourceUri: `urn:govctl:dataset:${tenant_id}:${dataset_id}:${to_layer}`,
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
    }),
  );
}
