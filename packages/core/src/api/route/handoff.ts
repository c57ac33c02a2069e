import { z } from 'zod';
import { coverageStates } from '../../decision/coverage-state.ts';
import { activationDecisionShape } from '../../handoff/activation.ts';
import { birthLineSchema, objectKeySchema, objectTypeSchema, permitIdSchema } from '../../handoff/birth-line.ts';
import { digestSchema, document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.int().min(0);
const reasonSchema = z.string().trim().min(3).max(1_000);
/** An object key may hold slashes, so it never stands in a path. */
const keyed = z.strictObject({ object_key: objectKeySchema });

/** Lines of one `birth.add`; more go in several requests, each of which is all or nothing. */
export const birthBatch = 5_000;

export const birthReceiptDocument = document('BirthReceipt', {
  /** New in this request, by kind. */
  born: count,
  changed: count,
  retired: count,
  /** Known before, by (object_key, change, born_at). */
  already: count,
  permit_id: z.string().nullable(),
});

const cursorShape = z.object({
  low_water: count,
  head: count,
  /** SQLite: rows that were read, beyond the first few thousand, and are still to be proved: coverage is behind until they are. */
  unproved_rows: count.optional(),
  /** PostgreSQL: rows that can be seen and were not read. */
  unread_rows: count.optional(),
  /** PostgreSQL: ids read above the low water, which waits for transactions that are still open. */
  seen_rows: count.optional(),
  /** PostgreSQL: the transaction that the low water waits for, when that lasts. */
  blocker: z.string().nullable().optional(),
  fence: count,
  last_poll_at: timestampSchema.nullable(),
  last_progress_at: timestampSchema.nullable(),
  last_settled_at: timestampSchema.nullable(),
  alarm: z.object({ coverage: z.enum(['pruned', 'drift', 'behind']), detail: z.string(), raised_at: timestampSchema }).nullable(),
});

export const handoffStatusDocument = document('HandoffStatus', {
  coverage: z.enum(coverageStates),
  /** Why coverage is what it is, in a sentence. */
  reason: z.string(),
  /** Births with no candidate row, quarantined ones included. In a large backlog on SQLite those that were not read yet count as such. */
  lag_rows: count,
  /** Seconds since nothing was left to do; null when that was never so. */
  lag_seconds: z.number().nullable(),
  /** Births with neither an event nor a pending row. */
  unannounced_rows: count,
  last_poll_at: timestampSchema.nullable(),
  /** By source. */
  cursor: z.record(z.string(), cursorShape),
  /** Captured events that were not delivered. */
  pending: z.object({ by_type: z.record(z.string(), count) }),
  quarantine: count,
  blocker: z.string().optional(),
  /** Who stopped the tail, where somebody did. */
  paused: z.object({ paused_at: timestampSchema, paused_by: z.string(), reason: z.string() }).nullable(),
  /** What to do about it; absent where nothing need be done, or only waited for. */
  fix: z.string().optional(),
});

export const handoffLagDocument = document('HandoffLag', { births: count, lag_rows: count, unannounced_rows: count });

export const eventTypeListDocument = document('EventTypeList', {
  items: z.array(
    z.object({
      event_type: z.string(),
      active: z.boolean(),
      pending: count,
      changed_at: timestampSchema.nullable(),
      changed_by: z.string().nullable(),
    }),
  ),
});

export const eventTypeDocument = document('EventType', {
  event_type: z.string(),
  active: z.boolean(),
  pending: count,
  /** False when it was active before. */
  activated: z.boolean(),
  evidence_ref: refSchema.nullable(),
});

export const handoffResumeDocument = document('HandoffResume', {
  /** False when there was nothing to end. */
  resumed: z.boolean(),
  /** The pause that ended. */
  ended_pause: z.object({ paused_at: timestampSchema, paused_by: z.string(), reason: z.string() }).nullable(),
  /** Alarms that were accepted. */
  accepted: z.array(z.object({ source: z.string(), coverage: z.string(), detail: z.string() })),
  evidence_ref: refSchema.nullable(),
});

const candidateShape = {
  object_key: z.string(),
  object_type: z.string().nullable(),
  status: z.enum(['captured', 'activated', 'retired', 'unborn']),
  dirty: z.boolean(),
  born_at: z.string().nullable(),
  retired_at: z.string().nullable(),
  first_seen_at: timestampSchema,
  last_seen_at: timestampSchema,
  activated_at: timestampSchema.nullable(),
  decision_ref: refSchema.nullable(),
};

export const candidateDocument = document('Candidate', {
  ...candidateShape,
  events: z.array(z.object({ born_at: z.string(), delivery: z.enum(['pending', 'emitted']), at: timestampSchema })),
});
export const candidateListDocument = document('CandidateList', {
  items: z.array(z.object(candidateShape)),
  next_cursor: z.string().nullable(),
});

export const candidateDecisionDocument = document('CandidateDecision', {
  ...activationDecisionShape,
  decision_digest: digestSchema,
  dry_run: z.boolean(),
  /** It was activated before; nothing was done now. */
  already: z.boolean(),
  decision_ref: refSchema.optional(),
  leaf_index: count.optional(),
  tree_size: count.optional(),
});

const ospaShape = {
  authorization_id: z.string(),
  scope: z.string(),
  reason: z.string(),
  authorized_by: z.string(),
  authorized_at: timestampSchema,
  evidence_ref: refSchema,
};
export const ospaDocument = document('BuildAuthorization', ospaShape);
export const ospaListDocument = document('BuildAuthorizationList', { items: z.array(z.object(ospaShape)) });

export const handoffRoutes = defineRoutes({
  'birth.add': {
    method: 'POST',
    path: '/v1/births',
    summary: 'Register births and changes of objects: all of the request or nothing; works while the rest of governance does not',
    action: 'birth.add',
    listener: 'operator',
    body: z.strictObject({
      lines: z
        .array(birthLineSchema.extend({ change: birthLineSchema.shape.change.default('BORN'), permit_id: permitIdSchema.optional() }))
        .min(1)
        .max(birthBatch),
      /** For every line that names no permit of its own. */
      permit_id: permitIdSchema.optional(),
    }),
    response: birthReceiptDocument,
    problems: ['invalid-request', 'payload-too-large', 'unprocessable', 'conflict', 'unavailable'],
  },
  'handoff.status': {
    method: 'GET',
    path: '/v1/handoff',
    summary: 'Coverage of the handoff, with its evidence',
    action: 'handoff.read',
    listener: 'operator',
    response: handoffStatusDocument,
    problems: ['unavailable'],
  },
  'handoff.lag': {
    method: 'GET',
    path: '/v1/handoff/lag',
    summary: 'The no-lost-handoff proof: every birth ever, anti-joined with candidates and events',
    action: 'handoff.read',
    listener: 'operator',
    response: handoffLagDocument,
    problems: ['unavailable'],
  },
  'handoff.types': {
    method: 'GET',
    path: '/v1/handoff/types',
    summary: 'Event types, whether they are delivered, and how many events wait',
    action: 'handoff.read',
    listener: 'operator',
    response: eventTypeListDocument,
    problems: [],
  },
  'handoff.type-activate': {
    method: 'POST',
    path: '/v1/handoff/types/:event_type/activate',
    summary: 'Deliver events of this type from now on, and what was captured, in key order',
    action: 'handoff.type-activate',
    listener: 'operator',
    params: z.strictObject({ event_type: z.string().max(128) }),
    body: z.strictObject({ reason: reasonSchema.optional() }),
    response: eventTypeDocument,
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
  'handoff.resume': {
    method: 'POST',
    path: '/v1/handoff/resume',
    summary: 'Let the tail go on: end a pause, or accept what an alarm (pruned, drift) said; after drift everything is read again',
    action: 'handoff.resume',
    listener: 'operator',
    /** `end` has to be said where the tail is paused and a source is alarmed: whoever ends a pause may not know of the alarm. */
    body: z.strictObject({ reason: reasonSchema, end: z.enum(['pause', 'alarm', 'all']).optional() }),
    response: handoffResumeDocument,
    problems: ['conflict', 'evidence-unavailable'],
  },
  'candidate.list': {
    method: 'GET',
    path: '/v1/candidates',
    summary: 'Objects that handoff captured, in key order',
    action: 'candidate.read',
    listener: 'operator',
    query: z.strictObject({
      cursor: z.string().max(1_024).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
      status: z.enum(['captured', 'activated', 'retired', 'unborn']).optional(),
      object_type: objectTypeSchema.optional(),
    }),
    response: candidateListDocument,
    problems: ['invalid-request'],
  },
  'candidate.get': {
    method: 'GET',
    path: '/v1/candidates/one',
    summary: 'One candidate and its events',
    action: 'candidate.read',
    listener: 'operator',
    query: keyed,
    response: candidateDocument,
    problems: ['not-found'],
  },
  'candidate.evaluate': {
    method: 'POST',
    path: '/v1/candidates/evaluate',
    summary: 'What an activation would be told now; nothing is recorded',
    action: 'candidate.read',
    listener: 'operator',
    body: keyed,
    response: candidateDecisionDocument,
    problems: ['not-found', 'unavailable'],
  },
  'candidate.activate': {
    method: 'POST',
    path: '/v1/candidates/activate',
    summary: 'Decide, record and, when allowed, activate',
    action: 'candidate.activate',
    listener: 'operator',
    body: keyed,
    response: candidateDecisionDocument,
    problems: ['not-found', 'conflict', 'evidence-unavailable', 'unavailable'],
  },
  'ospa.list': {
    method: 'GET',
    path: '/v1/ospa',
    summary: 'Build authorizations',
    action: 'ospa.read',
    listener: 'operator',
    response: ospaListDocument,
    problems: [],
  },
  'ospa.authorize': {
    method: 'POST',
    path: '/v1/ospa',
    summary: 'A person authorises builds on what was captured',
    action: 'ospa.authorize',
    listener: 'operator',
    body: z.strictObject({
      authorization_id: nameSchema.optional(),
      scope: z.union([z.literal('*'), objectKeySchema]).default('*'),
      reason: reasonSchema,
    }),
    response: ospaDocument,
    status: 201,
    problems: ['forbidden', 'conflict', 'evidence-unavailable'],
  },
});
