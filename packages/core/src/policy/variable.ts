import { type CelInput, celList, celMap } from '@bufbuild/cel';
import type { GateInput } from '../decision/input.ts';

/** The form of a variable: CEL keeps ints and doubles apart, so each number says which it is. */
export type Shape = 'string' | 'int' | 'double' | 'bool' | { readonly [field: string]: Shape } | readonly [Shape];

const pointer = { generation: 'int', snapshot_id: 'string', snapshot_hash: 'string', decision_ref: 'string', moved_at: 'string' } as const;

/**
 * What a rule may look at, by name: the contract with everybody who writes rules, so additive only. Times are RFC 3339 strings
 * (`timestamp(now)` makes one comparable); what is not known is null.
 */
export const variableShapes = {
  /** The moment the decision is made as of. */
  now: 'string',
  policy_rev: 'string',
  request: {
    run_id: 'string',
    tenant_id: 'string',
    dataset_id: 'string',
    from_layer: 'string',
    to_layer: 'string',
    promotion_type: 'string',
    snapshot_id: 'string',
  },
  actor: { actor_id: 'string', source_type: 'string', authenticated_by: 'string' },
  environment: { name: 'string', parity_contract: 'string', service_release_id: 'string' },
  snapshot: {
    snapshot_id: 'string',
    layer: 'string',
    snapshot_hash: 'string',
    file_count: 'int',
    total_bytes: 'int',
    missing_objects: 'int',
    environment: 'string',
    service_release_id: 'string',
    created_at: 'string',
    verification: 'string',
    verified_at: 'string',
  },
  contract: {
    contract_id: 'string',
    version: 'int',
    promotion_types: ['string'],
    required_checks: ['string'],
    min_quality_score: 'double',
    max_evidence_age: 'string',
    requires_coverage: 'bool',
  },
  /** The computed score, and how many checks passed of how many. */
  quality: { score: 'double', passed: 'int', total: 'int' },
  checks: [{ name: 'string', status: 'string', severity: 'string', ran_at: 'string', message: 'string', source_kind: 'string' }],
  bundle: {
    subject_ref: 'string',
    rule_pack_version: 'string',
    timestamp: 'string',
    environment: 'string',
    service_release_id: 'string',
    inputs: [{ ref: 'string', digest: 'string' }],
    signers: [{ key_id: 'string', role: 'string' }],
  },
  pointers: { from: pointer, to: pointer },
  coverage: { state: 'string', object_key: 'string', covered: 'bool', lag_rows: 'int' },
  ospa_count: 'int',
  /** On `run_result`: the run that is judged. On promotions: the job they come after, where there is one. */
  job: {
    run_id: 'string',
    workspace: 'string',
    job_kind: 'string',
    label_asof: 'string',
    industry: 'string',
    inputs: [{ name: 'string', dataset_id: 'string', snapshot_id: 'string', snapshot_hash: 'string' }],
    steps: [{ step: 'string', status: 'string', exit_code: 'int', seconds: 'double', reason: 'string', takeaway: 'string' }],
    signals: [{ step: 'string', name: 'string', digest: 'string', count: 'int' }],
    outputs: [{ name: 'string', dataset_id: 'string', layer: 'string', snapshot_hash: 'string', file_count: 'int', total_bytes: 'int' }],
    succeeded: 'int',
    skipped: 'int',
    failed: 'int',
    seconds: 'double',
    cost_units: 'double',
    limits: { steps: 'int', seconds: 'double', cost_units: 'double' },
    manifest_digest: 'string',
    result_ref: 'string',
  },
} as const satisfies { readonly [name: string]: Shape };

export type VariableName = keyof typeof variableShapes;
export const variableNames = Object.keys(variableShapes) as VariableName[];

const sources: { readonly [N in VariableName]: (input: GateInput, now: string) => unknown } = {
  now: (_, now) => now,
  policy_rev: ({ facts }) => facts.policy?.policy_rev ?? null,
  request: ({ facts }) => facts.request,
  actor: ({ facts }) => facts.request.actor,
  environment: ({ facts }) => facts.environment,
  snapshot: ({ facts }) => facts.snapshot,
  contract: ({ facts }) => (facts.contract === null ? null : { ...facts.contract.body, version: facts.contract.version }),
  quality: ({ score }) => ({ score: score.value, passed: score.passed, total: score.total }),
  checks: ({ checks }) => checks,
  bundle: ({ bundle }) => bundle,
  pointers: ({ facts }) => facts.pointers,
  coverage: ({ facts }) => facts.coverage,
  ospa_count: ({ facts }) => facts.ospa_count,
  job: ({ facts }) => facts.job ?? null,
};

/** The named variables of an input, as CEL takes them. Only what the rules use is made. */
export function bindVariables(names: Iterable<VariableName>, input: GateInput, now: string): Record<string, CelInput> {
  return bindValues(names, (name) => sources[name](input, now));
}

/** The same for what is no promotion: what it has no value for is null. */
export function bindValues(names: Iterable<VariableName>, boundTo: (name: VariableName) => unknown): Record<string, CelInput> {
  const bound: Record<string, CelInput> = {};
  for (const name of names) bound[name] = celValue(variableShapes[name], boundTo(name));
  return bound;
}

/** Plain data as a CEL value of a shape; fields the shape does not have are left out, those the data lacks are null. */
export function celValue(shape: Shape, data: unknown): CelInput {
  if (data === null || data === undefined) return null;
  if (shape === 'int') return typeof data === 'number' && Number.isSafeInteger(data) ? BigInt(data) : null;
  if (typeof shape === 'string') return data as CelInput;
  if (isList(shape)) return celList((Array.isArray(data) ? data : []).map((item: unknown) => celValue(shape[0], item)));
  const record = data as Readonly<Record<string, unknown>>;
  const map = new Map<string, CelInput>();
  for (const field in shape) {
    const inner = shape[field];
    if (inner !== undefined) map.set(field, celValue(inner, record[field]));
  }
  return celMap(map);
}

export function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
