import { z } from 'zod';
import { document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const suspension = {
  suspension_id: z.string(),
  tenant_id: z.string(),
  reason: z.string(),
  suspended_at: timestampSchema,
  suspended_by: z.string(),
  evidence_ref: refSchema,
  /** Null while the tenant is suspended. */
  resumed_at: timestampSchema.nullable(),
  resumed_by: z.string().nullable(),
  resume_reason: z.string().nullable(),
};
const body = z.strictObject({ reason: z.string().min(3).max(1024) });
const params = z.strictObject({ tenant_id: nameSchema });
const problems = ['not-found', 'conflict', 'forbidden', 'evidence-unavailable'] as const;

/** Tenants that may run nothing. */
export const tenantRoutes = defineRoutes({
  'tenant.ls': {
    method: 'GET',
    path: '/v1/tenants/suspensions',
    summary: 'Suspensions of tenants, newest first',
    action: 'tenant.read',
    listener: 'operator',
    query: z.strictObject({
      tenant_id: nameSchema.optional(),
      /** Those that ended too. */
      all: z.enum(['true', 'false']).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    response: document('TenantSuspensionList', { items: z.array(z.object(suspension)) }),
    problems: [],
  },
  'tenant.suspend': {
    method: 'POST',
    path: '/v1/tenants/:tenant_id/suspend',
    summary: 'Let a tenant run nothing: new runs are denied, jobs are terminated at their next check',
    action: 'tenant.suspend',
    listener: 'operator',
    params,
    body,
    response: document('TenantSuspension', suspension),
    problems,
  },
  'tenant.resume': {
    method: 'POST',
    path: '/v1/tenants/:tenant_id/resume',
    summary: 'Let a suspended tenant run again',
    action: 'tenant.resume',
    listener: 'operator',
    params,
    body,
    response: document('TenantSuspension', suspension),
    problems,
  },
});
