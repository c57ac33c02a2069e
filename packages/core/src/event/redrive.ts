import { jcsDigest } from '../evidence/jcs.ts';
import { draftRecord, subjectOf } from '../evidence/statement.ts';
import type { Unit } from '../journal/unit.ts';
import type { GovernanceContext } from '../policy/governance-fact.ts';
import type { ParkedEvent } from './lane-write.ts';

/** Ids a record names; of more it has the digest. */
const namedLimit = 100;

/** Dead letters are tried again from the start, and that somebody asked for it is on record. */
export function redriveEvents(
  { actor, environment, service_release_id, at, salt }: GovernanceContext,
  dead: readonly ParkedEvent[],
  lane: string,
  reason: string | null,
): { readonly unit: Unit; readonly evidence_ref: string } {
  const events = dead.map(({ consumer, event_id, ...row }) => `${row.lane}/${consumer}/${event_id}`);
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(`event-lane/${lane}`, jcsDigest(events))],
    predicate: {
      environment,
      service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt,
      previous: null,
      fact: 'event.redrive',
      subject: `event-lane/${lane}`,
      digest: null,
      reason,
      detail: { events: dead.length, first: events.slice(0, namedLimit) },
    },
    run_id: null,
    tenant_id: 'default',
    dataset_id: null,
    recorded_at: at,
  });
  const rows = dead.map((row) => ({ ...row, state: 'waiting', attempts: 0, next_attempt_at: null }));
  return {
    evidence_ref: record.ref,
    unit: {
      label: 'event.redrive',
      changes: [{ write: 'lane.park', values: { rows: JSON.stringify(rows) } }],
      records: [record],
      events: [],
    },
  };
}
