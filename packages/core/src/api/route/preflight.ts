import { z } from 'zod';
import { parityTags } from '../../decision/decision.ts';
import { preflightActions, preflightDecisionShape, preflightFactsSchema } from '../../decision/preflight-document.ts';
import { objectKeySchema } from '../../handoff/birth-line.ts';
import { digestSchema, document, refSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const verdict = z.enum(['PASS', 'BLOCK']);

export const preflightDocument = document('Preflight', {
  ...preflightDecisionShape,
  /** The four of them; one that blocks denies. */
  dimensions: z.object({ coverage: verdict, freshness: verdict, authorization: verdict, lock: verdict }),
  decision_digest: digestSchema,
  dry_run: z.boolean(),
  /** Dry run: what was judged, so that anybody can judge it again. */
  facts: preflightFactsSchema.optional(),
  parity: z.object({ tag: z.enum(parityTags), differs: z.array(z.string()) }).optional(),
  decision_ref: refSchema.optional(),
  leaf_index: z.int().min(0).optional(),
  tree_size: z.int().min(0).optional(),
});

const asked = z.strictObject({ action: z.enum(preflightActions), object_key: objectKeySchema });

/** Births have no part in this: nothing that registers one asks for a preflight, and no preflight can be asked about one. */
export const preflightRoutes = defineRoutes({
  'preflight.run': {
    method: 'POST',
    path: '/v1/preflight',
    summary: 'May this action be done to the object now? Four dimensions, each PASS or BLOCK; the answer is recorded',
    action: 'preflight.run',
    listener: 'operator',
    body: asked,
    response: preflightDocument,
    problems: ['evidence-unavailable'],
  },
  'preflight.evaluate': {
    method: 'POST',
    path: '/v1/preflight/evaluate',
    summary: 'What a preflight would answer now, with the facts it judges; nothing is recorded',
    action: 'preflight.read',
    listener: 'operator',
    body: asked,
    response: preflightDocument,
    problems: [],
  },
});
