import { z } from 'zod';
import { objectKeySchema } from '../../handoff/birth-line.ts';
import { replaySources, replayStatuses } from '../../handoff/replay.ts';
import { document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.int().min(0);
const mended = z.object({
  /** Births that had no candidate. */
  candidates: count,
  /** Births that had neither an event nor a captured one. */
  events: count,
  /** Changes and retirements that had not been applied. */
  changes: count,
});

const range = {
  source: z.enum(replaySources),
  /** Ids, both in the range. */
  from_id: count,
  to_id: count,
  object_key: z.string().nullable(),
};

const replayShape = {
  replay_id: z.string(),
  ...range,
  /** Rows a second at most; null is no bound. */
  rate: count.nullable(),
  reason: z.string().nullable(),
  status: z.enum(replayStatuses),
  /** The checkpoint: every row of the range up to this id was run again. */
  position: count,
  /** Rows of the range when it was started. */
  rows_total: count,
  rows_read: count,
  mended,
  /** Rows that stand in the quarantine: they stay there. */
  held_rows: count,
  started_at: timestampSchema,
  started_by: z.string(),
  last_batch_at: timestampSchema.nullable(),
  ended_at: timestampSchema.nullable(),
  ended_by: z.string().nullable(),
  evidence_ref: refSchema,
  /** The record of its end. */
  ended_ref: refSchema.nullable(),
};

export const handoffReplayDocument = document('HandoffReplay', replayShape);
export const handoffReplayListDocument = document('HandoffReplayList', { items: z.array(z.object(replayShape)) });

/** What a replay would come to: nothing is done. */
export const handoffReplayPlanDocument = document('HandoffReplayPlan', {
  dry_run: z.literal(true),
  ...range,
  rows_total: count,
  would_mend: mended,
  held_rows: count,
});

/** An id of the source, or a moment: then the rows of that time tell the ids. */
const bound = z.union([z.int().min(1), timestampSchema]);
const requested = {
  source: z.enum(replaySources).default('registry_changelog'),
  from: bound.optional(),
  to: bound.optional(),
  object_key: objectKeySchema.optional(),
};
const named = z.strictObject({ replay_id: nameSchema });

export const handoffReplayRoutes = defineRoutes({
  'handoff.replay': {
    method: 'POST',
    path: '/v1/handoff/replays',
    summary: 'Run a range of a birth source through its effects again, as a job with a checkpoint of its own; the live tail is not moved',
    action: 'handoff.replay',
    listener: 'operator',
    body: z.strictObject({
      ...requested,
      replay_id: nameSchema.optional(),
      rate: z.int().min(1).max(1_000_000).optional(),
      reason: z.string().trim().min(3).max(1_000).optional(),
    }),
    response: handoffReplayDocument,
    status: 201,
    problems: ['unprocessable', 'conflict', 'evidence-unavailable', 'unavailable'],
  },
  'handoff.replay-evaluate': {
    method: 'POST',
    path: '/v1/handoff/replays/evaluate',
    summary: 'How many rows a replay would run again, and what it would mend; nothing is done',
    action: 'handoff.read',
    listener: 'operator',
    body: z.strictObject(requested),
    response: handoffReplayPlanDocument,
    problems: ['unprocessable', 'unavailable'],
  },
  'handoff.replay-list': {
    method: 'GET',
    path: '/v1/handoff/replays',
    summary: 'Replays: running ones first, then the newest',
    action: 'handoff.read',
    listener: 'operator',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(50) }),
    response: handoffReplayListDocument,
    problems: ['invalid-request'],
  },
  'handoff.replay-get': {
    method: 'GET',
    path: '/v1/handoff/replays/:replay_id',
    summary: 'How far a replay is',
    action: 'handoff.read',
    listener: 'operator',
    params: named,
    response: handoffReplayDocument,
    problems: ['not-found'],
  },
  'handoff.replay-stop': {
    method: 'POST',
    path: '/v1/handoff/replays/:replay_id/stop',
    summary: 'Stop a replay where it is; what it mended stays',
    action: 'handoff.replay',
    listener: 'operator',
    params: named,
    body: z.strictObject({ reason: z.string().trim().min(3).max(1_000) }),
    response: handoffReplayDocument,
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
});
