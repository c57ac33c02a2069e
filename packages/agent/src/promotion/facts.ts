import type { ApprovalFact, CoverageFact, Facts, PackFact, WaiverFact } from '@govctl/core/decision';
import { kernelVersion } from '@govctl/core/decision';
import type { Actor } from '@govctl/core/identity';
import { type Contract, contractSchema } from '@govctl/core/policy';
import type { RunRow } from '@govctl/core/promotion';
import { latestChecks, type QualityCheck } from '@govctl/core/quality';
import type { Database } from '../db/index.ts';
import { jobFacts } from './job-fact.ts';
import {
  activePointer,
  type DatasetFactRow,
  datasetFact,
  type ExceptionRow,
  exceptionFacts,
  openAudits,
  openHolds,
  qualityImports,
  runById,
  snapshotFact,
} from './queries.ts';

/** What handoff says of an object, asked only where the contract requires coverage. */
type CoverageSource = {
  factOf(objectKey: string, now: string): Promise<{ coverage: CoverageFact | null; ospa_count: number | null }>;
};

/** Which of these packs are stored here, by digest. */
export type PackStore = { factsOf(packs: readonly { name: string; version: string; digest: string }[]): Promise<PackFact[]> };

export type FactSources = {
  readonly database: Database;
  readonly coverage: CoverageSource;
  readonly packs: PackStore;
  /** The deployment that decides, with the configuration as it is now. */
  readonly environment: () => Facts['environment'];
  /** Enrolled keys of people and services who sign evidence bundles, from the configuration. */
  readonly signer_keys: () => Facts['signer_keys'];
};

/** What a promotion or rollback asks about. */
export type FactRequest = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly dataset_id: string;
  readonly from_layer: Facts['request']['from_layer'];
  readonly to_layer: Facts['request']['to_layer'];
  readonly promotion_type: Facts['request']['promotion_type'];
  readonly snapshot_id: string;
  readonly evidence: Facts['bundle'];
  readonly expected_policy_rev: string | null;
  readonly expected_parity_contract: string | null;
  readonly expected_config_digest: string | null;
  readonly rollback: Facts['rollback'];
  /** The job it comes after. */
  readonly job_run_id?: string;
};

export type ReadFacts = {
  readonly facts: Facts;
  /** The asking run's own row, if there is one; never part of the facts. */
  readonly run: RunRow | null;
  /** What the guards of a unit compare. */
  readonly dataset_revision: number | null;
  readonly policy_activation: number;
  readonly lock_key: string;
  readonly lock_fence: number;
};

const contracts = new Map<string, Contract>();

/** A stored contract was validated when it was applied; parsed once per digest. */
function contractOf(digest: string, body: string): Contract {
  let contract = contracts.get(digest);
  if (contract === undefined) {
    contract = contractSchema.parse(JSON.parse(body));
    if (contracts.size > 500) contracts.clear();
    contracts.set(digest, contract);
  }
  return contract;
}

export function lockKeyOf(target: { tenant_id: string; dataset_id: string; layer: string }): string {
  return `dataset/${target.tenant_id}/${target.dataset_id}/${target.layer}`;
}

/** Reads everything a decision is made from, in one snapshot of the database. */
export async function readFacts(sources: FactSources, request: FactRequest, actor: Actor, now: string): Promise<ReadFacts> {
  const target = { tenant_id: request.tenant_id, dataset_id: request.dataset_id, layer: request.to_layer };
  const lockKey = lockKeyOf(target);
  const [[run], [base], [snapshot], imports, [from], [to], holds, audits, exceptions] = await sources.database.read([
    runById({ run_id: request.run_id }),
    datasetFact({ tenant_id: request.tenant_id, dataset_id: request.dataset_id, lock_key: lockKey }),
    snapshotFact({ snapshot_id: request.snapshot_id }),
    qualityImports({ snapshot_id: request.snapshot_id }),
    activePointer({ ...target, layer: request.from_layer }),
    activePointer(target),
    openHolds(target),
    openAudits(target),
    exceptionFacts({ ...target, run_id: request.run_id, snapshot_id: request.snapshot_id, since: lately(now) }),
  ]);
  if (base === undefined) throw new Error('the dataset fact query always answers one row');
  const contract =
    base.contract_body === null || base.contract_digest === null || base.contract_version === null
      ? null
      : { version: base.contract_version, digest: base.contract_digest, body: contractOf(base.contract_digest, base.contract_body) };
  const lockBusy =
    base.lock_holder !== null && base.lock_holder !== request.run_id && base.lock_expires_at !== null && base.lock_expires_at > now;
  const covered =
    contract?.body.requires_coverage === true
      ? await sources.coverage.factOf(contract.body.handoff_object ?? request.dataset_id, now)
      : { coverage: null, ospa_count: null };
  const facts: Facts = {
    as_of: now,
    kernel_version: kernelVersion,
    environment: sources.environment(),
    request: {
      run_id: request.run_id,
      tenant_id: request.tenant_id,
      dataset_id: request.dataset_id,
      from_layer: request.from_layer,
      to_layer: request.to_layer,
      promotion_type: request.promotion_type,
      snapshot_id: request.snapshot_id,
      expected_policy_rev: request.expected_policy_rev,
      expected_parity_contract: request.expected_parity_contract,
      expected_config_digest: request.expected_config_digest,
      actor: { actor_id: actor.actor_id, source_type: actor.source_type, authenticated_by: actor.authenticated_by },
      grants: [...actor.grants],
    },
    bundle: request.evidence,
    contract,
    packs: contract === null ? [] : await sources.packs.factsOf(contract.body.policy_packs),
    policy:
      base.policy_rev === null
        ? null
        : {
            policy_rev: base.policy_rev,
            packs: JSON.parse(base.policy_packs ?? '[]') as { name: string; version: string; digest: string }[],
          },
    snapshot: (snapshot as Facts['snapshot'] | undefined) ?? null,
    checks: latestChecks(imports.map((row) => ({ ...row, checks: JSON.parse(row.checks) as QualityCheck[] }))),
    pointers: { from: pointerFact(from), to: pointerFact(to) },
    lock: lockBusy ? { holder: base.lock_holder ?? '', fence: base.lock_fence ?? 0, expires_at: base.lock_expires_at ?? now } : null,
    holds,
    pending_audits: audits,
    coverage: covered.coverage,
    ospa_count: covered.ospa_count,
    signer_keys: [...sources.signer_keys()],
    approvals: exceptions.flatMap((row) => (row.said === 'approval' ? [approvalFact(row, request.run_id)] : [])),
    waivers: exceptions.flatMap((row) => (row.said === 'waiver' ? [waiverFact(row)] : [])),
    ...suspensionFact(base),
    ...(await jobFacts(sources.database, request.job_run_id)),
    rollback: request.rollback,
  };
  return {
    facts,
    run: run ?? null,
    dataset_revision: base.dataset_revision,
    policy_activation: base.policy_activation,
    lock_key: lockKey,
    lock_fence: base.lock_fence ?? 0,
  };
}

function suspensionFact(row: DatasetFactRow): Pick<Facts, 'suspension'> {
  const { suspension_id, suspension_reason: reason, suspended_at, suspended_by, suspension_ref: evidence_ref } = row;
  if (suspension_id === null || reason === null || suspended_at === null || suspended_by === null || evidence_ref === null) return {};
  return { suspension: { suspension_id, reason, suspended_at, suspended_by, evidence_ref } };
}

/** A waiver that ran out lately is a fact still: not to count, but for the gate to say so. */
function lately(now: string): string {
  return new Date(Date.parse(now) - 7 * 86_400_000).toISOString();
}

function approvalFact(row: ExceptionRow, request_id: string): ApprovalFact {
  const { id, actor_id, reason, at, expires_at, evidence_ref, used_by } = row;
  return {
    approval_id: id,
    verdict: row.verdict as ApprovalFact['verdict'],
    actor_id,
    role: row.role ?? '',
    request_id,
    snapshot_hash: row.snapshot_hash ?? '',
    target: row.target ?? '',
    policy_rev: row.policy_rev ?? '',
    reason,
    overrides: JSON.parse(row.overrides ?? '[]') as string[],
    given_at: at,
    expires_at,
    used_by,
    evidence_ref,
  };
}

function waiverFact(row: ExceptionRow): WaiverFact {
  const { id, actor_id, reason, at, expires_at, evidence_ref, snapshot_id } = row;
  const layer = row.layer as WaiverFact['layer'];
  return {
    waiver_id: id,
    rule: row.rule ?? '',
    layer,
    snapshot_id,
    reason,
    granted_by: actor_id,
    granted_at: at,
    expires_at,
    evidence_ref,
  };
}

function pointerFact(
  row: { generation: number; snapshot_id: string; snapshot_hash: string; decision_ref: string; moved_at: string } | undefined,
): Facts['pointers']['to'] {
  if (row === undefined) return null;
  const { generation, snapshot_id, snapshot_hash, decision_ref, moved_at } = row;
  return { generation, snapshot_id, snapshot_hash, decision_ref, moved_at };
}
