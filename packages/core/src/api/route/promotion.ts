import { z } from 'zod';
import { decisionDocument } from '../../decision/decision.ts';
import { factsSchema } from '../../decision/facts.ts';
import { placeInLog, promotionDocument } from '../../promotion/document.ts';
import { evaluationRequestSchema, promotionRequestSchema, rollbackRequestSchema } from '../../promotion/request.ts';
import { digestSchema, document, layerSchema, nameSchema, refSchema, runIdSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const runParams = z.strictObject({ run_id: runIdSchema });
const page = { cursor: z.string().max(512).optional(), limit: z.coerce.number().int().min(1).max(500).default(50) };

/** Facts and decision from one read transaction: what a local dry run decides again, and compares. */
export const evaluationDocument = document('Evaluation', { facts: factsSchema, decision: decisionDocument });

const promotionRow = z.object({
  run_id: z.string(),
  run_kind: z.string(),
  tenant_id: z.string(),
  dataset_id: z.string(),
  from_layer: z.string().nullable(),
  to_layer: z.string().nullable(),
  snapshot_id: z.string().nullable(),
  phase: z.string(),
  status: z.string(),
  decision: z.string().nullable(),
  decision_ref: refSchema.nullable(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  next_eligible_at: timestampSchema.nullable(),
});

export const promotionListDocument = document('PromotionList', { items: z.array(promotionRow), next_cursor: z.string().nullable() });

export const datasetListDocument = document('DatasetList', {
  items: z.array(
    z.object({
      tenant_id: z.string(),
      dataset_id: z.string(),
      active: z.array(z.object({ layer: layerSchema, snapshot_id: z.string(), generation: z.number().int(), moved_at: timestampSchema })),
    }),
  ),
});

const pointerRow = z.object({
  layer: layerSchema,
  generation: z.number().int(),
  snapshot_id: z.string(),
  snapshot_hash: digestSchema,
  run_id: z.string(),
  decision_ref: refSchema,
  fence: z.number().int(),
  moved_at: timestampSchema,
  /** Why the version should not be built on: it was quarantined, or its verification was withdrawn. */
  flagged: z.string().nullable(),
});

export const datasetActiveDocument = document('DatasetActive', {
  tenant_id: z.string(),
  dataset_id: z.string(),
  at: timestampSchema.nullable(),
  layers: z.array(pointerRow),
  holds: z.array(
    z.object({ hold_id: z.string(), layer: z.string(), reason: z.string(), run_id: z.string().nullable(), placed_at: timestampSchema }),
  ),
});
export const datasetHistoryDocument = document('DatasetHistory', {
  tenant_id: z.string(),
  dataset_id: z.string(),
  moves: z.array(pointerRow),
});

const signedDecision = document('SignedDecision', {
  run_id: z.string(),
  decision: decisionDocument,
  decision_ref: refSchema,
  /** DSSE envelope of the decision record: what a store verifies before it moves anything. */
  envelope: z.object({
    payloadType: z.string(),
    payload: z.string(),
    signatures: z.array(z.object({ keyid: z.string().optional(), sig: z.string() })),
  }),
  evidence: placeInLog,
  /** What to send to the store with the decision. */
  fence: z.number().int(),
  expected_generation: z.number().int(),
});

const decisionProblems = ['conflict', 'run-id-reused', 'evidence-unavailable', 'forbidden'] as const;

export const promotionRoutes = defineRoutes({
  'promotion.request': {
    method: 'POST',
    path: '/v1/promotions',
    summary: 'Request a promotion; run_id is the idempotency key',
    action: 'promotion.request',
    listener: 'operator',
    body: promotionRequestSchema,
    response: promotionDocument,
    status: 200,
    bodyLimit: 8 * 1024 * 1024,
    problems: [...decisionProblems, 'stale'],
  },
  'promotion.evaluate': {
    method: 'POST',
    path: '/v1/promotions/evaluate',
    summary: 'What the gate would say now; nothing is recorded',
    action: 'promotion.evaluate',
    listener: 'operator',
    body: evaluationRequestSchema,
    response: evaluationDocument,
    bodyLimit: 8 * 1024 * 1024,
    problems: ['forbidden', 'run-id-reused', 'stale'],
  },
  'promotion.ls': {
    method: 'GET',
    path: '/v1/promotions',
    summary: 'Promotions, newest first',
    action: 'promotion.read',
    listener: 'operator',
    query: z.strictObject({
      ...page,
      dataset_id: nameSchema.optional(),
      tenant_id: nameSchema.optional(),
      status: z.string().max(64).optional(),
      open: z.enum(['true', 'false']).optional(),
    }),
    response: promotionListDocument,
    problems: [],
  },
  'promotion.get': {
    method: 'GET',
    path: '/v1/promotions/:run_id',
    summary: 'One promotion',
    action: 'promotion.read',
    listener: 'operator',
    params: runParams,
    response: promotionDocument,
    problems: ['not-found'],
  },
  'promotion.cancel': {
    method: 'POST',
    path: '/v1/promotions/:run_id/cancel',
    summary: 'End an open promotion',
    action: 'promotion.cancel',
    listener: 'operator',
    params: runParams,
    body: z.strictObject({ reason: z.string().min(3).max(1024) }),
    response: promotionDocument,
    problems: ['not-found', 'conflict'],
  },
  'promotion.rollback-evaluate': {
    method: 'POST',
    path: '/v1/promotions/:run_id/rollback/evaluate',
    summary: 'What the gate would say to this rollback now; every byte is read again, nothing is recorded',
    action: 'promotion.evaluate',
    listener: 'operator',
    params: runParams,
    body: rollbackRequestSchema.extend({ reason: rollbackRequestSchema.shape.reason.optional(), with_sources: z.boolean().default(false) }),
    response: evaluationDocument,
    problems: ['not-found', 'unprocessable', 'run-id-reused'],
  },
  'promotion.rollback': {
    method: 'POST',
    path: '/v1/promotions/:run_id/rollback',
    summary: 'Put the target of a promotion back to its last verified version',
    action: 'promotion.rollback',
    listener: 'operator',
    params: runParams,
    body: rollbackRequestSchema,
    response: promotionDocument,
    problems: ['not-found', 'unprocessable', ...decisionProblems],
  },
  'dataset.ls': {
    method: 'GET',
    path: '/v1/datasets',
    summary: 'Datasets and what is ACTIVE in each layer',
    action: 'dataset.read',
    listener: 'operator',
    query: z.strictObject({ tenant_id: nameSchema.optional() }),
    response: datasetListDocument,
    problems: [],
  },
  'dataset.active': {
    method: 'GET',
    path: '/v1/datasets/:dataset_id/active',
    summary: 'ACTIVE pointers of a dataset, now or at a time',
    action: 'dataset.read',
    listener: 'operator',
    params: z.strictObject({ dataset_id: nameSchema }),
    query: z.strictObject({ tenant_id: nameSchema.default('default'), layer: layerSchema.optional(), at: timestampSchema.optional() }),
    response: datasetActiveDocument,
    problems: ['not-found'],
  },
  'dataset.history': {
    method: 'GET',
    path: '/v1/datasets/:dataset_id/history',
    summary: 'Every move of the pointers of a dataset',
    action: 'dataset.read',
    listener: 'operator',
    params: z.strictObject({ dataset_id: nameSchema }),
    query: z.strictObject({ tenant_id: nameSchema.default('default'), layer: layerSchema.optional() }),
    response: datasetHistoryDocument,
    problems: ['not-found'],
  },
  'subscription.check': {
    method: 'POST',
    path: '/v1/subscription/check',
    summary: 'Does the plan of the tenant allow this run',
    action: 'subscription.check',
    listener: 'internal',
    body: z.strictObject({ tenant: nameSchema, resources: z.record(z.string().max(64), z.number().min(0)).default({}) }),
    response: document('SubscriptionCheck', {
      tenant: z.string(),
      decision: z.enum(['allow', 'deny', 'queue']),
      reason: z.string(),
      refresh_at: timestampSchema.nullable(),
    }),
    problems: [],
  },
  'governance.decide': {
    method: 'POST',
    path: '/v1/governance/contracts/:contract_id/promotions',
    summary: 'Evidence bundle in, signed decision out',
    action: 'governance.decide',
    listener: 'internal',
    params: z.strictObject({ contract_id: nameSchema }),
    body: promotionRequestSchema.pick({ evidence: true, expected_policy_rev: true }).required({ evidence: true }),
    response: signedDecision,
    bodyLimit: 8 * 1024 * 1024,
    problems: ['not-found', 'locked', ...decisionProblems],
  },
  'store.promote': {
    method: 'POST',
    path: '/v1/store/promote',
    summary: 'Move a layer pointer, with a decision that allows exactly this',
    action: 'store.promote',
    listener: 'internal',
    body: z.strictObject({
      from_layer: layerSchema,
      to_layer: layerSchema,
      dataset_id: nameSchema,
      decision_ref: refSchema,
      run_id: runIdSchema,
      fence: z.number().int().min(1),
      expected_generation: z.number().int().min(0),
      decision: z.strictObject({
        payloadType: z.string(),
        payload: z.string(),
        signatures: z
          .array(z.strictObject({ keyid: z.string().optional(), sig: z.string() }))
          .min(1)
          .max(16),
      }),
    }),
    response: document('StorePromotion', {
      run_id: z.string(),
      dataset_id: z.string(),
      layer: layerSchema,
      snapshot_id: z.string(),
      generation: z.number().int(),
      decision_ref: refSchema,
      committed_at: timestampSchema,
      already: z.boolean(),
    }),
    problems: ['not-found', 'unprocessable', 'stale', 'conflict', 'evidence-unavailable'],
  },
  'governance.confirm': {
    method: 'POST',
    path: '/v1/governance/evidence',
    summary: 'Confirm that a promotion was committed',
    action: 'governance.confirm',
    listener: 'internal',
    body: z.strictObject({
      run_id: runIdSchema,
      decision_ref: refSchema,
      committed: z.literal(true),
      snapshot_hash: digestSchema,
      generation: z.number().int().min(1),
    }),
    response: promotionDocument,
    problems: ['not-found', 'unprocessable', 'evidence-unavailable'],
  },
});
