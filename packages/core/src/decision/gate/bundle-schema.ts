import { promotionTypeSchema } from '../../policy/contract.ts';
import type { EvidenceBundle, SubmittedBundle } from '../bundle.ts';
import { evidence, fail, type Gate, noContract, notRequired, pass, type Resolve } from '../gate.ts';
import type { GateInput } from '../input.ts';

const digest = /^sha256:[0-9a-f]{64}$/;
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

const isText = (value: unknown) => typeof value === 'string' && value.length > 0;
const isDigest = (value: unknown) => typeof value === 'string' && digest.test(value);

// Presence, range and form of each field. A field of another type never gets here: that is a malformed request.
const fieldRules: { readonly [F in keyof EvidenceBundle]: readonly [ok: (value: unknown) => boolean, rule: string] } = {
  run_id: [isText, 'is not empty'],
  subject_ref: [isText, 'is not empty'],
  promotion_type: [(value) => promotionTypeSchema.safeParse(value).success, 'is a promotion type'],
  snapshot_id: [isText, 'is not empty'],
  snapshot_hash: [isDigest, 'is a sha256: digest'],
  quality_score: [(value) => typeof value === 'number' && value >= 0 && value <= 1, 'is between 0 and 1'],
  rule_pack_version: [isText, 'is not empty'],
  policy_versions: [(value) => Array.isArray(value), 'is a list'],
  inputs: [(value) => Array.isArray(value), 'is a list'],
  signers: [(value) => Array.isArray(value), 'is a list'],
  timestamp: [(value) => typeof value === 'string' && moment.test(value) && !Number.isNaN(Date.parse(value)), 'is a UTC timestamp'],
  checks: [(value) => Array.isArray(value), 'is a list'],
  environment: [isText, 'is not empty'],
  tenant_id: [isText, 'is not empty'],
  service_release_id: [isText, 'is not empty'],
  expected_policy_rev: [isDigest, 'is a sha256: digest'],
};
const fields = Object.entries(fieldRules) as [keyof EvidenceBundle, (typeof fieldRules)[keyof EvidenceBundle]][];

/** The evidence bundle is complete, in range, and about this request. */
export const bundleSchemaGate: Gate = {
  code: 'bundle-schema',
  asks: 'Is the evidence bundle complete, in range, and about this request?',
  otherwise: 'deny',
  judge(input, now) {
    const { bundle, bundle_digest, facts, gate_set } = input;
    if (gate_set === 'rollback') return notRequired('a rollback has no evidence bundle of its own', 'rollback');
    if (facts.contract === null && bundle_digest === null) return noContract(input);
    const missing: string[] = [];
    const wrong: string[] = [];
    for (const [field, [ok, rule]] of fields) {
      const value = bundle[field];
      if (value === undefined) missing.push(field);
      else if (!ok(value)) wrong.push(`${field} ${rule}`);
    }
    const foreign = foreignFields(input, bundle);
    const resolve = mendOf(input, missing);
    if (missing.length > 0) {
      return fail({
        reason_code: 'bundle-incomplete',
        reason: `the bundle lacks ${missing.join(', ')}`,
        expected: fields.length,
        actual: fields.length - missing.length,
        resolve,
      });
    }
    if (wrong.length > 0) {
      return fail({
        reason_code: 'bundle-out-of-range',
        reason: `the bundle's ${wrong.join('; ')}: it does not hold`,
        expected: 'every field in range',
        actual: wrong.join('; '),
        resolve,
      });
    }
    if (foreign.length > 0) {
      return fail({
        reason_code: 'bundle-of-another-request',
        reason: `the bundle is about another request: ${foreign.join(', ')}`,
        expected: 'the request',
        actual: foreign.join(', '),
        resolve,
      });
    }
    return pass('complete and in range', fields.length, fields.length, [evidence('bundle', bundle_digest, bundle.timestamp ?? null, now)]);
  },
};

function foreignFields({ facts: { request } }: GateInput, bundle: SubmittedBundle): string[] {
  const pairs = [
    ['run_id', bundle.run_id, request.run_id],
    ['promotion_type', bundle.promotion_type, request.promotion_type],
    ['snapshot_id', bundle.snapshot_id, request.snapshot_id],
    ['tenant_id', bundle.tenant_id, request.tenant_id],
  ] as const;
  return pairs.filter(([, own, asked]) => own !== asked).map(([field]) => field);
}

/** A submitted bundle is for its maker to mend; what a built one lacks, some other verb brings. */
function mendOf({ bundle_digest, facts: { request, snapshot, policy } }: GateInput, missing: readonly string[]): Resolve {
  const { dataset_id, from_layer, to_layer, snapshot_id } = request;
  if (bundle_digest !== null) {
    const command = `govctl promote ${dataset_id} --from ${from_layer} --to ${to_layer} --snapshot ${snapshot_id} --evidence bundle.json --dry-run`;
    return { who: 'whoever submits', command };
  }
  if (snapshot === null) return { who: 'whoever submits', command: `govctl snapshot ls --dataset ${dataset_id}` };
  if (missing.includes('quality_score'))
    return { who: 'whoever tests the data', command: `govctl quality import dbt run_results.json --snapshot ${snapshot_id}` };
  if (policy === null) return { who: 'the owner of the policies', command: 'govctl policy activate pack.yaml' };
  return { who: 'whoever submits', command: `govctl snapshot get ${snapshot_id}` };
}
