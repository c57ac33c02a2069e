import { z } from 'zod';
import { document, refSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

export const eventTypeDeactivationDocument = document('EventTypeDeactivation', {
  event_type: z.string(),
  active: z.literal(false),
  /** Captured events that were not delivered; they wait. */
  pending: z.int().min(0),
  /** False when it was inactive before. */
  deactivated: z.boolean(),
  evidence_ref: refSchema.nullable(),
});

export const handoffTypeRoutes = defineRoutes({
  'handoff.type-deactivate': {
    method: 'POST',
    path: '/v1/handoff/types/:event_type/deactivate',
    summary: 'Capture events of this type from now on, and deliver none, until it is activated again',
    action: 'handoff.type-activate',
    listener: 'operator',
    params: z.strictObject({ event_type: z.string().max(128) }),
    body: z.strictObject({ reason: z.string().trim().min(3).max(1_000).optional() }),
    response: eventTypeDeactivationDocument,
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
});
