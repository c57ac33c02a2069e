import { z } from 'zod';
import { approvalFactSchema } from '../../decision/facts.ts';
import { digestSchema, document, nameSchema, refSchema, runIdSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const { approval_id, verdict, actor_id, role, snapshot_hash, target, policy_rev, overrides, given_at, expires_at } =
  approvalFactSchema.shape;

/** What a person said of a promotion, and how far that brings it. */
export const approvalDocument = document('Approval', {
  approval_id,
  run_id: z.string(),
  verdict,
  actor_id,
  role,
  snapshot_hash,
  target,
  policy_rev,
  reason: z.string(),
  overrides,
  given_at,
  expires_at,
  evidence_ref: refSchema,
  /** False when this person had said exactly this already, and nothing was written. */
  recorded: z.boolean(),
  quorum: z.object({ needed: z.number().int(), given: z.number().int(), lacking_roles: z.array(z.string()) }),
  run: z.object({ phase: z.string(), status: z.string() }),
});

const said = {
  reason: z.string().min(3).max(1024),
  /** What the person saw: an approval of anything else is refused as stale. */
  snapshot_hash: digestSchema,
  policy_rev: digestSchema,
  /** Which of the contract's roles it is given in; the first that is held and still lacking when left out. */
  role: nameSchema.optional(),
};

const problems = ['not-found', 'forbidden', 'conflict', 'stale', 'unprocessable', 'evidence-unavailable'] as const;

/** What people say of promotions that wait for them. */
export const approvalRoutes = defineRoutes({
  'promotion.approve': {
    method: 'POST',
    path: '/v1/promotions/:run_id/approve',
    summary: 'Approve a promotion that waits for people: this request, snapshot, target and policy set, once',
    action: 'promotion.approve',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    body: z.strictObject({
      ...said,
      /** Codes of gates and rules to set aside, of those the contract lets a quorum override. */
      overrides: z.array(z.string().min(1).max(256)).max(64).default([]),
      /** How long it is good for; 24 hours when left out, 7 days at most. */
      expires_at: timestampSchema.optional(),
    }),
    response: approvalDocument,
    problems,
  },
  'promotion.reject': {
    method: 'POST',
    path: '/v1/promotions/:run_id/reject',
    summary: 'Reject a promotion that waits for people: it ends by a deny with the person named',
    action: 'promotion.reject',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    body: z.strictObject(said),
    response: approvalDocument,
    problems,
  },
});
