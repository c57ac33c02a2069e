import { declareExpectations } from '../../audit/expectation.ts';
import type { Facts } from '../../decision/facts.ts';
import { advance, type Transition } from '../../run/phase.ts';
import type { RunState } from '../run-state.ts';
import { ack, last, type RunStart, type SagaContext } from './step.ts';

/** A run that is asked for the first time: CREATED, AUTHORIZED and EXECUTING need nothing from outside, so they pass at once, recorded all the same. */
export function startRun(
  row: RunStart['row'],
  facts: Facts,
  context: SagaContext,
  extra: Pick<RunState, 'trace_id' | 'supersedes' | 'job_run_id' | 'reason' | 'rolls_back' | 'request'>,
): RunStart {
  const at = facts.as_of;
  const { actor } = facts.request;
  const phases: Transition[] = [{ phase: 'CREATED', status: 'queued', event: 'request', at }];
  for (const event of ['authorize', 'start', 'execution_done'] as const) phases.push(advance(last(phases), event, at));
  const state: RunState = {
    reply_format: 1,
    trace_id: extra.trace_id,
    authorization_decision: { outcome: 'allowed', actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
    phases,
    segments: [{ n: 1, policy_rev: facts.policy?.policy_rev ?? null, config_digest: context.config_digest, from: at }],
    expectations: declareExpectations(row.kind === 'rollback' ? 'rollback' : 'promotion', context.finalize_ms),
    acks: [ack('logs', 'start_trace', extra.trace_id, null, at)],
    ...(extra.supersedes === undefined ? {} : { supersedes: extra.supersedes }),
    ...(extra.job_run_id === undefined ? {} : { job_run_id: extra.job_run_id }),
    ...(extra.reason === undefined ? {} : { reason: extra.reason }),
    ...(extra.rolls_back === undefined ? {} : { rolls_back: extra.rolls_back }),
    ...(extra.request === undefined ? {} : { request: extra.request }),
  };
  return { row, state, revision: null, decision_ref: null, defer_until: null };
}
