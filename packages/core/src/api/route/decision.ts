import { z } from 'zod';
import { decisionBodySchema, decisionDocument } from '../../decision/decision.ts';
import { factsSchema } from '../../decision/facts.ts';
import { document, nameSchema, refSchema, runIdSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

/** What recorded decisions were made from: enough to decide them again. */
export const decisionListDocument = document('DecisionList', {
  items: z.array(
    z.object({
      decision_ref: refSchema,
      recorded_at: timestampSchema,
      /** Null where the payload was taken out under a retention policy. */
      decision: decisionBodySchema.nullable(),
      /** Null where the facts were not kept. */
      facts: factsSchema.nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});

/** Recorded decisions, with what they were made from. */
export const decisionRoutes = defineRoutes({
  'decision.ls': {
    method: 'GET',
    path: '/v1/decisions',
    summary: 'Recorded decisions with the facts they were made from, newest first; as many as fit into a few megabytes',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({
      since: timestampSchema.optional(),
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      cursor: z.string().max(32).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
    response: decisionListDocument,
    problems: [],
  },
  'decision.get': {
    method: 'GET',
    path: '/v1/decisions/:id',
    summary: 'A recorded decision, by its ref or by its run (the newest)',
    action: 'decision.read',
    listener: 'operator',
    params: z.strictObject({ id: z.union([refSchema, runIdSchema]) }),
    response: decisionDocument,
    problems: ['not-found', 'gone'],
  },
});
