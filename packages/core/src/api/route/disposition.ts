import { z } from 'zod';
import { actorIdSchema } from '../../identity/actor.ts';
import { digestSchema, document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.int().min(0);

const disposition = {
  disposition_id: nameSchema,
  rule: nameSchema,
  reason: z.string(),
  /** Payloads it is about, and how much they held. */
  records: count,
  bytes: count,
  /** Payloads that are gone. */
  erased: count,
  /** Payloads that stay for now, because their dataset is on hold. */
  held: count,
  /** Nothing is left that may be erased now. */
  finished: z.boolean(),
  /** JCS digest of the refs, in the order of the log. */
  refs_digest: digestSchema,
  announced_at: timestampSchema,
  announced_by: actorIdSchema,
  evidence_ref: refSchema,
};

export const dispositionListDocument = document('DispositionList', { items: z.array(z.object(disposition)) });

export const dispositionPlanDocument = document('DispositionPlan', {
  as_of: timestampSchema,
  items: z.array(
    z.object({
      rule: nameSchema,
      keep_for: z.string(),
      /** Payloads that may be erased now. */
      records: count,
      bytes: count,
      by_kind: z.record(z.string(), count),
      oldest: timestampSchema.nullable(),
      newest: timestampSchema.nullable(),
      /** Past their time, and kept: their dataset is on hold. */
      held: count,
      /** Past their time, and kept: what is ACTIVE, open or still valid rests on them. */
      in_use: count,
    }),
  ),
  /** Announced, and not erased to the end. */
  unfinished: z.array(nameSchema),
});

/** The end of evidence: payloads go under a retention rule, on record; leaves and proofs stay. */
export const dispositionRoutes = defineRoutes({
  'disposition.plan': {
    method: 'GET',
    path: '/v1/evidence/dispositions/plan',
    summary: 'What may be erased now under the retention rules, and what is kept in spite of them',
    action: 'evidence.read',
    listener: 'operator',
    response: dispositionPlanDocument,
    problems: ['unprocessable'],
  },
  'disposition.ls': {
    method: 'GET',
    path: '/v1/evidence/dispositions',
    summary: 'What was erased, by whom and under which rule, newest first',
    action: 'evidence.read',
    listener: 'operator',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
    response: dispositionListDocument,
    problems: [],
  },
  'disposition.announce': {
    method: 'POST',
    path: '/v1/evidence/dispositions',
    summary: 'Record what will be erased next, or name what was recorded and is not erased yet; an empty list when there is nothing',
    action: 'evidence.dispose',
    listener: 'operator',
    body: z.strictObject({ reason: z.string().min(3).max(1024) }),
    response: dispositionListDocument,
    problems: ['unprocessable', 'forbidden', 'conflict', 'evidence-unavailable'],
  },
  'disposition.erase': {
    method: 'POST',
    path: '/v1/evidence/dispositions/:disposition_id/erase',
    summary: 'Erase the next few payloads of what was recorded; the same again changes nothing',
    action: 'evidence.dispose',
    listener: 'operator',
    params: z.strictObject({ disposition_id: nameSchema }),
    body: z.strictObject({}),
    response: dispositionListDocument,
    problems: ['not-found', 'forbidden', 'evidence-unavailable'],
  },
});
