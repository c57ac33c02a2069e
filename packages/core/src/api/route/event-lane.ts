import { z } from 'zod';
import { laneNames } from '../../event/lane-write.ts';
import { document, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.number().int();
const lane = z.enum(laneNames);
const parkedEvent = z.object({
  lane,
  /** The handler, or the endpoint. */
  consumer: z.string(),
  position: count,
  event_id: z.string(),
  event_type: z.string(),
  subject: z.string(),
  tenant_id: z.string(),
  dataset_id: z.string().nullable(),
  /** `waiting`: it is tried again. `dead`: only `event redrive` does. */
  state: z.enum(['waiting', 'dead']),
  attempts: count,
  next_attempt_at: timestampSchema.nullable(),
  parked_at: timestampSchema,
  last_error: z.string().nullable(),
});

/** Those who read the events: how far they came, and what they could not handle or deliver. */
export const eventLaneRoutes = defineRoutes({
  'event.lanes': {
    method: 'GET',
    path: '/v1/event-lanes',
    summary: 'How far each reader of the events came, and what stands aside',
    action: 'event.read',
    listener: 'operator',
    query: z.strictObject({ lane: lane.optional(), limit: z.coerce.number().int().min(1).max(1000).default(100) }),
    response: document('EventLaneList', {
      /** The newest position. */
      head: count,
      items: z.array(
        z.object({
          lane,
          consumer: z.string(),
          position: count,
          behind: count,
          moved_at: timestampSchema,
          heartbeat_at: timestampSchema.nullable(),
          waiting: count,
          dead: count,
        }),
      ),
      /** Events that failed or wait behind such a one, oldest first. */
      parked: z.array(parkedEvent),
    }),
    problems: [],
  },
  'event.redrive': {
    method: 'POST',
    path: '/v1/event-lanes/redrive',
    summary: 'Try dead letters again; recorded',
    action: 'event.redrive',
    listener: 'operator',
    body: z
      .strictObject({
        lane: lane.optional(),
        event_id: z
          .string()
          .regex(/^\d{1,15}\.\d{1,6}$/, 'the id of an event, like 12.3')
          .optional(),
        all: z.literal(true).optional(),
        reason: z.string().min(3).max(1024).optional(),
      })
      .refine(({ event_id, all }) => (event_id === undefined) !== (all === undefined), 'needs either event_id or all'),
    response: document('EventRedrive', { events: count, more: z.boolean(), evidence_ref: refSchema.nullable() }),
    problems: ['not-found', 'evidence-unavailable'],
  },
});
