import type { RunAudit } from '../audit/expectation.ts';
import type { DecisionBody } from '../decision/decision.ts';
import type { Lesson } from '../incident/lesson.ts';
import type { PlaceInLog, PromotionDocument } from '../promotion/document.ts';
import type { Segment } from '../promotion/run-state.ts';
import type { Phase, RunStatus } from '../run/phase.ts';
import type { WatchList } from '../watch/watch-list.ts';
import type { Receipt } from './receipt.ts';

/** A row of the manifest of a job, as it is recorded. */
export type ManifestStep = {
  readonly step: string;
  readonly status: 'success' | 'skipped' | 'failed';
  readonly started: string | null;
  readonly ended: string | null;
  readonly exit_code: number | null;
  readonly output_digest: string | null;
  readonly reason?: string;
  readonly takeaway?: string;
  readonly next_action?: string;
  readonly signals?: readonly { readonly name: string; readonly digest: string; readonly count: number }[];
};

type DecisionFields = 'decision' | 'decided_by' | 'gates' | 'policy_rev' | 'kernel_version' | 'input_digest' | 'valid_from' | 'exceptions';

/** Left out because it does not apply here: nothing is wrong, and nobody has to do anything. */
export function isIdle({ status, reason }: ManifestStep): boolean {
  return status === 'skipped' && reason === 'when-not-met';
}

/** A run, as its own document says it; a `Promotion` is one as it is. */
export type ReceiptRun = {
  readonly run_id: string;
  readonly run_kind: 'promotion' | 'rollback' | 'job';
  readonly tenant_id: string;
  readonly dataset_id: string;
  readonly from_layer: string | null;
  readonly to_layer: string | null;
  readonly snapshot_id: string | null;
  readonly phase: Phase;
  readonly status: RunStatus;
  readonly created_at: string;
  readonly updated_at: string;
  readonly decision: (Pick<DecisionBody, DecisionFields> & { readonly decision_digest: string }) | null;
  readonly decision_ref: string | null;
  readonly evidence: PlaceInLog | null;
  readonly next_eligible_at: string | null;
  readonly waiting_on: readonly string[];
  readonly reason: string | null;
  readonly supersedes: string | null;
  readonly rolls_back: string | null;
  /** Of a paused run. */
  readonly pause?: PromotionDocument['pause'];
  readonly pending_audit: { readonly audit_id: string; readonly owner: string; readonly due_at: string } | null;
  readonly policy_rev: string | null;
  readonly approvals: PromotionDocument['approvals'];
  readonly phases: PromotionDocument['phases'];
  readonly trace_id: string;
};

/** Everything a receipt is made from. */
export type ReceiptSources = {
  readonly run: ReceiptRun;
  readonly requested_by: string;
  readonly segments: readonly Segment[];
  /** What the run owed at its start, and what became of it. */
  readonly owed: number;
  readonly acknowledged: number;
  readonly audit: RunAudit;
  /** Acks of what was undone, in the run or beside it. */
  readonly undone?: readonly {
    readonly domain: string;
    readonly action: string;
    readonly rollback_reason: string;
    readonly at: string;
  }[];
  /** The report whose part about this run it is. */
  readonly report?: Receipt['audit']['report'];
  readonly deployment: { readonly environment: string; readonly service_release_id: string; readonly log: string };
  /** Whether somebody closed the pending audit of the run. */
  readonly audit_closed?: boolean;
  readonly manifest?: { readonly steps: readonly ManifestStep[]; readonly digest: string | null };
  readonly incident?: Receipt['incident'];
  readonly lesson?: Pick<Lesson, 'cause' | 'next_action'>;
  readonly watch?: Pick<WatchList, 'title' | 'items'>;
  readonly remote_assist?: Receipt['remote_assist'];
};
