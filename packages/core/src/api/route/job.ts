import { z } from 'zod';
import { runDocument, runListDocument, runPlanDocument } from '../../job/document.ts';
import { nameSchema, runIdSchema, tenantSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const runParams = z.strictObject({ run_id: runIdSchema });
/** The file as it was written: what was accepted is kept byte for byte. */
const source = z.string().max(1024 * 1024);

export const runSubmissionSchema = z.strictObject({ run_id: runIdSchema, tenant_id: tenantSchema, source });

export const jobRoutes = defineRoutes({
  'run.submit': {
    method: 'POST',
    path: '/v1/runs',
    summary: 'Submit a job; run_id is the idempotency key',
    action: 'run.submit',
    listener: 'operator',
    body: runSubmissionSchema,
    response: runDocument,
    status: 202,
    bodyLimit: 2 * 1024 * 1024,
    problems: ['forbidden', 'unprocessable', 'locked', 'run-id-reused', 'conflict', 'evidence-unavailable'],
  },
  'run.evaluate': {
    method: 'POST',
    path: '/v1/runs/evaluate',
    summary: 'What a job would run, and whether it would start now; nothing is recorded',
    action: 'run.evaluate',
    listener: 'operator',
    body: runSubmissionSchema.omit({ run_id: true }),
    response: runPlanDocument,
    bodyLimit: 2 * 1024 * 1024,
    problems: ['forbidden', 'unprocessable'],
  },
  'run.ls': {
    method: 'GET',
    path: '/v1/runs',
    summary: 'Jobs, newest first',
    action: 'run.read',
    listener: 'operator',
    query: z.strictObject({
      cursor: z.string().max(512).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
      workspace: nameSchema.optional(),
      tenant_id: nameSchema.optional(),
      status: z.string().max(64).optional(),
      open: z.enum(['true', 'false']).optional(),
    }),
    response: runListDocument,
    problems: [],
  },
  'run.get': {
    method: 'GET',
    path: '/v1/runs/:run_id',
    summary: 'One job, with the receipts of its steps',
    action: 'run.read',
    listener: 'operator',
    params: runParams,
    response: runDocument,
    problems: ['not-found'],
  },
  'run.logs': {
    method: 'GET',
    path: '/v1/runs/:run_id/logs',
    summary: 'What the steps of a job printed, as far as it was kept',
    action: 'run.read',
    listener: 'operator',
    params: runParams,
    query: z.strictObject({ step: z.string().max(64).optional(), attempt: z.coerce.number().int().min(1).max(100).optional() }),
    stream: 'bytes',
    problems: ['not-found', 'gone'],
  },
  'run.stop': {
    method: 'POST',
    path: '/v1/runs/:run_id/stop',
    summary: 'End an open job: its step is ended as a group',
    action: 'run.stop',
    listener: 'operator',
    params: runParams,
    body: z.strictObject({ reason: z.string().min(3).max(1024) }),
    response: runDocument,
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
  'run.rerun': {
    method: 'POST',
    path: '/v1/runs/:run_id/rerun',
    summary: 'Submit the job of an ended run again, as a run of its own',
    action: 'run.submit',
    listener: 'operator',
    params: runParams,
    body: z.strictObject({ run_id: runIdSchema }),
    response: runDocument,
    status: 202,
    problems: ['not-found', 'forbidden', 'unprocessable', 'locked', 'run-id-reused', 'conflict', 'evidence-unavailable'],
  },
});
