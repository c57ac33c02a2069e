import { digestOf } from '../evidence/digest.ts';
import type { RecordDraft } from '../evidence/statement.ts';
import { ack } from '../promotion/saga/step.ts';
import { jobDecisionDigest } from './decision.ts';
import type { JobDecision, JobFacts } from './decision-document.ts';
import { type JobContext, type JobRun, jobFact } from './run.ts';

/** A decision on a job, with what it was made from. */
export type JudgedJob = { readonly facts: JobFacts; readonly decision: JobDecision };

/** The record of a decision, with the facts it can be made from again. */
export function decisionRecord(run: JobRun, { facts, decision }: JudgedJob, context: JobContext): RecordDraft {
  const text = JSON.stringify(facts);
  return jobFact(
    run,
    context,
    'run.decide',
    run.row.decision_ref,
    { decision: JSON.parse(JSON.stringify(decision)), decision_digest: jobDecisionDigest(decision), facts_digest: digestOf(text) },
    { facts: text },
  );
}

/** What policies owe the run: one evaluation. */
export function evaluated({ decision }: JudgedJob, ref: string, { at }: JobContext) {
  return [ack('policies', 'evaluate_policy', ref, jobDecisionDigest(decision), at)];
}

export function judgedEvents({ decision }: JudgedJob, ref: string) {
  return [
    ['policy.evaluated', { policy_rev: decision.policy_rev, decision_digest: jobDecisionDigest(decision) }] as const,
    ['governance.decision.recorded', { decision: decision.decision, decision_ref: ref, waiting_on: decision.waiting_on ?? [] }] as const,
  ];
}

export function withDecision(run: JobRun, { decision }: JudgedJob, decision_ref: string): JobRun {
  return { ...run, row: { ...run.row, decision: decision.decision, decision_ref } };
}
