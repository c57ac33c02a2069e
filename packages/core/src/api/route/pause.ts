import { z } from 'zod';
import { runDocument } from '../../job/document.ts';
import { promotionDocument } from '../../promotion/document.ts';
import { pauseReasons, pauseTimeouts, resumeAuthorities } from '../../run/pause.ts';
import { runIdSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const reason = z.string().min(3).max(1024);
const day = 86_400;

/** What whoever pauses a run may say of it; for promotions and jobs alike. */
export const pauseBody = z.strictObject({
  reason,
  pause_reason: z.enum(pauseReasons).default('manual_pause'),
  /** Who may resume it: any one of them. Left out: what the reason asks for. */
  authorities: z.array(z.enum(resumeAuthorities)).max(resumeAuthorities.length).default([]),
  /** How long it may stay paused. */
  sla_s: z
    .int()
    .min(1)
    .max(30 * day)
    .default(3600),
  /** How long before its end somebody is warned. */
  warn_before_s: z
    .int()
    .min(0)
    .max(30 * day)
    .default(300),
  timeout: z.enum(pauseTimeouts).default('TERMINATE'),
});

/** Pausing promotions that wait, and letting them go on. */
export const pauseRoutes = defineRoutes({
  'promotion.pause': {
    method: 'POST',
    path: '/v1/promotions/:run_id/pause',
    summary: 'Halt a promotion that waits: it is not asked again until it is resumed, or its time runs out',
    action: 'promotion.pause',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    body: pauseBody.extend({
      /** Nobody else may write the target meanwhile. */
      keep_lock: z.boolean().default(false),
    }),
    response: promotionDocument,
    problems: ['not-found', 'conflict', 'locked', 'evidence-unavailable'],
  },
  'promotion.resume': {
    method: 'POST',
    path: '/v1/promotions/:run_id/resume',
    summary: 'Let a paused promotion go on: everything is asked again. An attempt by somebody without authority is refused, and recorded',
    action: 'promotion.resume',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    body: z.strictObject({ reason }),
    response: promotionDocument,
    problems: ['not-found', 'conflict', 'forbidden', 'too-many-requests', 'evidence-unavailable'],
  },
});

/** Pausing jobs before their next step, and letting them go on. */
export const pauseJobRoutes = defineRoutes({
  'run.pause': {
    method: 'POST',
    path: '/v1/runs/:run_id/pause',
    summary: 'Halt a job before its next step: nothing of it runs until it is resumed, or its time runs out',
    action: 'run.pause',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    body: pauseBody.extend({
      /** No other run may have the workspace meanwhile. */
      keep_lock: z.boolean().default(false),
    }),
    response: runDocument,
    problems: ['not-found', 'conflict', 'locked', 'evidence-unavailable'],
  },
  'run.resume': {
    method: 'POST',
    path: '/v1/runs/:run_id/resume',
    summary:
      'Let a paused job go on: it is checked afresh before its next step. An attempt by somebody without authority is refused, and recorded',
    action: 'run.resume',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    body: z.strictObject({ reason }),
    response: runDocument,
    problems: ['not-found', 'conflict', 'forbidden', 'too-many-requests', 'evidence-unavailable'],
  },
});
