import { z } from 'zod';
import { objectKeySchema } from '../../handoff/birth-line.ts';
import { digestSchema, document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

/** What operators do to the tail: quarantine, pause and prune. */

const count = z.int().min(0);
const reasonSchema = z.string().trim().min(3).max(1_000);
const sourceSchema = z.enum(['birth_registry', 'registry_changelog']);
/** Rows that one discard may name: each of them stands in the record. */
export const discardLimit = 500;

const rowShape = {
  source: z.string(),
  id: count,
  object_key: z.string().nullable(),
  /** Why it cannot be applied. */
  error: z.string(),
};
const quarantinedShape = {
  ...rowShape,
  /** `faulty` cannot be applied; `waiting` is sound and stands behind a faulty row of its object; `retrying` is tried again by the tail. */
  state: z.enum(['faulty', 'waiting', 'retrying', 'applied', 'discarded', 'reread']),
  attempts: count,
  first_seen_at: timestampSchema,
  last_attempt_at: timestampSchema.nullable(),
  resolved_at: timestampSchema.nullable(),
  resolved_by: z.string().nullable(),
  reason: z.string().nullable(),
};

export const quarantineListDocument = document('HandoffQuarantineList', {
  items: z.array(z.object(quarantinedShape)),
  /** Of everything the filter names, in whatever state. */
  counts: z.object({ faulty: count, waiting: count, retrying: count, applied: count, discarded: count }),
  next_cursor: z.string().nullable(),
});
export const quarantinedRowDocument = document('HandoffQuarantinedRow', {
  ...quarantinedShape,
  /** The row as it was read, as JSON. */
  row: z.string(),
});
export const quarantineRetryDocument = document('HandoffQuarantineRetry', {
  dry_run: z.boolean(),
  /** Rows to be tried: all that stand aside of the objects named. */
  asked: count,
  /** How they stand: not tried yet, applied, failed again, still waiting behind one that failed. */
  retrying: count,
  applied: count,
  failed: count,
  waiting: count,
  /** Those that fail, at most a hundred. */
  items: z.array(z.object(rowShape)),
  /** The tail is paused: they are tried when it is resumed. */
  paused: z.boolean(),
  evidence_ref: refSchema.nullable(),
});
export const quarantineDiscardDocument = document('HandoffQuarantineDiscard', {
  dry_run: z.boolean(),
  discarded: z.array(z.object(rowShape)),
  /** Rows that waited behind nothing else: the tail applies them. */
  released: count,
  evidence_ref: refSchema.nullable(),
});

export const handoffPauseDocument = document('HandoffPause', {
  /** False when it was paused before; then this says by whom. */
  changed: z.boolean(),
  paused_at: timestampSchema,
  paused_by: z.string(),
  reason: z.string(),
  evidence_ref: refSchema.nullable(),
});

export const handoffPruneDocument = document('HandoffPrune', {
  dry_run: z.boolean(),
  /** Null where nothing is to go. */
  prune_id: z.string().nullable(),
  /** No row above this id goes: it is read, settled and proved up to there, and the newest such row stays. */
  upto: count,
  before: z.string().nullable(),
  planned_rows: count,
  removed_rows: count,
  /** Rows up to the bound that stay because they stand aside in quarantine. */
  quarantined: count,
  oldest: z.string().nullable(),
  newest: z.string().nullable(),
  finished: z.boolean(),
  evidence_ref: refSchema.nullable(),
});

/** One row, or everything of an object. */
const named = { source: sourceSchema.optional(), id: z.int().min(1).optional(), object_key: objectKeySchema.optional() };
const isOneRow = (body: { source?: string | undefined; id?: number | undefined }) =>
  (body.id === undefined) === (body.source === undefined);

export const handoffOperationRoutes = defineRoutes({
  'handoff.quarantine-list': {
    method: 'GET',
    path: '/v1/handoff/quarantine',
    summary: 'Rows that stand aside because they cannot be applied, and what waits behind them',
    action: 'handoff.read',
    listener: 'operator',
    query: z.strictObject({
      source: sourceSchema.optional(),
      object_key: objectKeySchema.optional(),
      state: z.enum(['open', 'resolved', 'all']).default('open'),
      /** Only what this retry covered. */
      retry_ref: digestSchema.optional(),
      cursor: z.string().max(256).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    response: quarantineListDocument,
    problems: ['invalid-request'],
  },
  'handoff.quarantine-get': {
    method: 'GET',
    path: '/v1/handoff/quarantine/:source/:id',
    summary: 'One quarantined row, with what was read of it',
    action: 'handoff.quarantine-read',
    listener: 'operator',
    params: z.strictObject({ source: sourceSchema, id: z.coerce.number().int().min(1) }),
    response: quarantinedRowDocument,
    problems: ['not-found'],
  },
  'handoff.quarantine-retry': {
    method: 'POST',
    path: '/v1/handoff/quarantine/retry',
    summary: 'Apply quarantined rows again, with what waits behind them, in order',
    action: 'handoff.quarantine-retry',
    listener: 'operator',
    body: z
      .strictObject({ ...named, reason: reasonSchema, dry_run: z.boolean().default(false) })
      .refine((body) => body.source !== undefined || body.object_key !== undefined, 'name a row, an object or a source')
      .refine((body) => body.id === undefined || body.source !== undefined, 'an id needs its source'),
    response: quarantineRetryDocument,
    problems: ['invalid-request', 'not-found', 'conflict', 'evidence-unavailable'],
  },
  'handoff.quarantine-discard': {
    method: 'POST',
    path: '/v1/handoff/quarantine/discard',
    summary: 'Give quarantined rows up for ever; what waited behind them is applied',
    action: 'handoff.quarantine-discard',
    listener: 'operator',
    body: z
      .strictObject({ ...named, reason: reasonSchema, dry_run: z.boolean().default(false) })
      .refine(isOneRow, 'a row is named by source and id')
      .refine((body) => (body.id === undefined) !== (body.object_key === undefined), 'name a row, or an object'),
    response: quarantineDiscardDocument,
    problems: ['invalid-request', 'not-found', 'unprocessable', 'conflict', 'evidence-unavailable'],
  },
  'handoff.pause': {
    method: 'POST',
    path: '/v1/handoff/pause',
    summary: 'Stop the tail of every host until somebody resumes it; births go on',
    action: 'handoff.pause',
    listener: 'operator',
    body: z.strictObject({ reason: reasonSchema }),
    response: handoffPauseDocument,
    problems: ['invalid-request', 'conflict', 'evidence-unavailable', 'unavailable'],
  },
  'handoff.prune': {
    method: 'POST',
    path: '/v1/handoff/prunes',
    summary: 'Put on record which rows of the embedded changelog go; slices remove them',
    action: 'handoff.prune',
    listener: 'operator',
    body: z
      .strictObject({
        /** Changes that happened before this moment. */
        before: timestampSchema.optional(),
        /** All but the newest so many rows. */
        keep: z.int().min(0).optional(),
        reason: reasonSchema,
        dry_run: z.boolean().default(false),
      })
      .refine((body) => body.before !== undefined || body.keep !== undefined, 'say what may go: before, keep, or both'),
    response: handoffPruneDocument,
    problems: ['invalid-request', 'unprocessable', 'conflict', 'evidence-unavailable', 'unavailable'],
  },
  'handoff.prune-slice': {
    method: 'POST',
    path: '/v1/handoff/prunes/:prune_id/slice',
    summary: 'Remove the next slice of a prune: small, so that births and the tail do not wait for it',
    action: 'handoff.prune',
    listener: 'operator',
    params: z.strictObject({ prune_id: nameSchema }),
    response: handoffPruneDocument,
    problems: ['not-found', 'conflict', 'evidence-unavailable', 'unavailable'],
  },
});
