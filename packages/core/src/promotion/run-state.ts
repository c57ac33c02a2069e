import type { Ack, Expectation } from '../audit/expectation.ts';
import type { Lesson } from '../incident/lesson.ts';
import type { ObservabilityStatus } from '../run/observability.ts';
import type { PausedRun } from '../run/pause.ts';
import type { Transition } from '../run/phase.ts';
import type { RiskLevel } from '../run/threshold.ts';

/** A stretch of a run judged under one policy set and configuration; a change opens the next one and never edits the last. */
export type Segment = {
  readonly n: number;
  readonly policy_rev: string | null;
  readonly config_digest: string | null;
  readonly from: string;
};

/** What a run row keeps beside its columns, as one JSON value: a row per phase, expectation and ack would triple the writes. */
export type RunState = {
  /** How the answer to this run is written; a later format gets another number, and this one stays readable. */
  readonly reply_format: 1;
  readonly trace_id: string;
  readonly authorization_decision: { readonly outcome: 'allowed' | 'denied'; readonly actor_id: string; readonly authenticated_by: string };
  readonly phases: readonly Transition[];
  readonly segments: readonly Segment[];
  readonly expectations: readonly Expectation[];
  readonly acks: readonly Ack[];
  readonly waiting_on?: readonly string[];
  /** What the last recorded evaluation said of people: how many approved, and what they set aside. */
  readonly said_by_people?: readonly string[];
  /** While it is paused. */
  readonly pause?: PausedRun;
  /** How near it came to what it may use; nothing is stopped by it. */
  readonly risk_level?: RiskLevel;
  /** Thresholds that were told of. */
  readonly thresholds?: readonly string[];
  /** After its trace could not be written. */
  readonly observability_status?: ObservabilityStatus;
  readonly observability_error?: string;
  /** The incident that the end of this run opened. */
  readonly incident_id?: string;
  /** Where the outcome asks for one. */
  readonly lesson?: Lesson;
  readonly supersedes?: string;
  /** The job this promotion comes after. */
  readonly job_run_id?: string;
  readonly reason?: string;
  readonly rolls_back?: string;
  readonly pending_audit?: { readonly audit_id: string; readonly owner: string; readonly due_at: string };
  readonly active?: {
    readonly dataset_id: string;
    readonly layer: string;
    readonly snapshot_id: string;
    readonly generation: number;
    readonly decision_ref: string;
  };
  /** What an `incomplete` run of ours waits for; a remote one waits for its orchestrator. */
  readonly awaits?: 'witnesses';
  /** The request as asked, for re-evaluation of a deferred run; kept until it ended. */
  readonly request?: unknown;
  /** Kept for the fence of a run that is finalized by a remote orchestrator. */
  readonly store?: { readonly fence: number; readonly expected_generation: number; readonly lock_key: string };
};
