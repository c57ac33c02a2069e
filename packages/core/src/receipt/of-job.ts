import type { RunDocument } from '../job/document.ts';
import type { ReceiptRun, ReceiptSources } from './source.ts';

/** A job, as a receipt is made from it. */
export function receiptRunOfJob(job: RunDocument): ReceiptRun {
  const { decision } = job;
  const decided_at = job.phases.findLast(({ event }) => event === 'allow' || event === 'deny' || event === 'defer')?.at ?? job.updated_at;
  return {
    ...job,
    dataset_id: job.workspace,
    from_layer: null,
    to_layer: null,
    snapshot_id: null,
    decision: decision === null ? null : { ...decision, valid_from: decided_at },
    supersedes: job.rerun_of,
    rolls_back: null,
    pending_audit: null,
    policy_rev: decision?.policy_rev ?? null,
    approvals: [],
  };
}

export function manifestOfJob({ manifest, manifest_digest }: RunDocument): NonNullable<ReceiptSources['manifest']> {
  return { steps: manifest, digest: manifest_digest };
}
