import { digestOf } from '../evidence/digest.ts';
import { canonicalJson } from '../evidence/jcs.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { Actor } from '../identity/actor.ts';
import type { Unit } from '../journal/unit.ts';
import type { ActivationDecision, ActivationFacts } from './activation.ts';
import { staleAfterMs } from './coverage.ts';

/** Who changes the handoff, where and when. */
export type HandoffContext = {
  readonly actor: Pick<Actor, 'actor_id' | 'authenticated_by'>;
  readonly environment: string;
  readonly service_release_id: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** 128 random bits in hex. */
  readonly salt: string;
};

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Fact = { readonly fact: string; readonly subject: string; readonly reason: string | null; readonly detail: Record<string, Json> };

/** The governance fact that an act of an operator leaves. `facts`: what was decided from, kept beside the record, which names its digest. */
export function factRecord(context: HandoffContext, { fact, subject, reason, detail: said }: Fact, facts?: string): RecordDraft {
  const detail = facts === undefined ? said : { ...said, facts_digest: digestOf(facts) };
  const digest = digestOf(canonicalJson({ subject, detail }));
  return draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(subject, digest)],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: context.actor.actor_id, authenticated_by: context.actor.authenticated_by },
      salt: context.salt,
      previous: null,
      fact,
      subject,
      digest,
      reason,
      detail,
    },
    run_id: null,
    tenant_id: 'default',
    dataset_id: null,
    recorded_at: context.at,
    ...(facts === undefined ? {} : { facts }),
  });
}

/** OSPA: a person says that what was captured may be built on. `scope` is `*` or one object key. */
export function authorizeBuilds(context: HandoffContext, input: { authorization_id: string; scope: string; reason: string }): Unit {
  const { authorization_id, scope, reason } = input;
  const draft = factRecord(context, {
    fact: 'ospa.authorize',
    subject: `ospa/${authorization_id}`,
    reason,
    detail: { authorization_id, scope },
  });
  const values = {
    authorization_id,
    scope,
    reason,
    authorized_by: context.actor.actor_id,
    authorized_at: context.at,
    evidence_ref: draft.ref,
  };
  return { label: 'ospa.authorize', changes: [{ write: 'ospa.insert', values }], records: [draft], events: [] };
}

/** From now on events of this type are delivered, and what was captured follows in key order. */
export function activateEventType(context: HandoffContext, input: { event_type: string; pending: number; reason: string | null }): Unit {
  const { event_type, pending, reason } = input;
  const draft = factRecord(context, {
    fact: 'event-type.activate',
    subject: `event-type/${event_type}`,
    reason,
    detail: { event_type, pending },
  });
  const values = { event_type, changed_at: context.at, changed_by: context.actor.actor_id };
  return { label: 'event-type.activate', changes: [{ write: 'event-type.activate', values }], records: [draft], events: [] };
}

/** Who paused the tail, when and why. */
export type HandoffPause = { readonly paused_at: string; readonly paused_by: string; readonly reason: string };

/**
 * Lets the tail go on: ends a pause, accepts alarms, or both. After drift the sources are read again from their first id, which changes
 * nothing that is right; their quarantine is judged anew, because their ids may mean other rows now.
 */
export function resumeHandoff(
  context: HandoffContext,
  input: { pause: HandoffPause | null; alarms: readonly { source: string; coverage: string; detail: string }[]; reason: string },
): Unit {
  const alarms = input.alarms.map((alarm) => ({ ...alarm }));
  const pause = input.pause === null ? null : { ...input.pause };
  const detail: Fact['detail'] = pause === null ? { alarms } : { alarms, pause };
  const draft = factRecord(context, { fact: 'handoff.resume', subject: 'handoff/cursor', reason: input.reason, detail });
  const drifted = [...new Set(alarms.filter((alarm) => alarm.coverage === 'drift').map((alarm) => alarm.source))];
  const changes: Unit['changes'] = [
    ...(pause === null ? [] : [{ write: 'handoff.unpause', values: { paused_at: pause.paused_at } } as const]),
    ...(alarms.length === 0 ? [] : [{ write: 'handoff.resume', values: {} } as const]),
    ...(drifted.length === 0 ? [] : [{ write: 'candidate.forget-changelog', values: {} } as const]),
    ...drifted.map((source) => {
      const values = { source, resolved_at: context.at, resolved_by: context.actor.actor_id };
      return { write: 'handoff.quarantine-reread', values } as const;
    }),
  ];
  return { label: 'handoff.resume', changes, records: [draft], events: [] };
}

/** Records an activation decision, whatever it is; an allow also moves the candidate, in the same commit. */
export function recordActivation(context: HandoffContext, facts: ActivationFacts, decision: ActivationDecision, lowWaterSum: number): Unit {
  const allowed = decision.decision === 'allow';
  const detail = { decision: decision.decision, decision_digest: digestOf(canonicalJson(decision)), body: decision as unknown as Json };
  const fact = {
    fact: allowed ? 'candidate.activate' : 'candidate.refuse',
    subject: `candidate/${facts.object_key}`,
    reason: null,
    detail,
  };
  const draft = factRecord(context, fact, canonicalJson(facts));
  const { object_key, candidate } = facts;
  const values = {
    object_key,
    born_at: candidate.born_at ?? '',
    changelog_id: candidate.changelog_id,
    activated_at: context.at,
    decision_ref: draft.ref,
    polled_since: new Date(Date.parse(context.at) - staleAfterMs).toISOString(),
    low_water_sum: lowWaterSum,
  };
  return { label: fact.fact, changes: allowed ? [{ write: 'candidate.activate', values }] : [], records: [draft], events: [] };
}

/** The tail has been silent for too long: said once, until it speaks again. */
export function staleHandoff(input: { at: string; environment: string; last_poll_at: string | null }): Unit {
  const { at, environment, last_poll_at } = input;
  const polled_before = new Date(Date.parse(at) - staleAfterMs).toISOString();
  return {
    label: 'handoff.stale',
    changes: [{ write: 'handoff.mark-stale', values: { at, polled_before } }],
    records: [],
    events: [
      {
        type: 'handoff.stale',
        subject: 'handoff',
        time: at,
        tenant_id: 'default',
        dataset_id: null,
        layer: null,
        run_id: null,
        environment,
        data: { last_poll_at },
      },
    ],
  };
}
