import { z } from 'zod';
import { incidentKinds, incidentSeverities } from '../../incident/incident.ts';
import { document, nameSchema, refSchema, runIdSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const incident = {
  incident_id: z.string(),
  /** `run`: of one run. `system`: of the deployment itself, then run_id and dataset_id are null. */
  incident_kind: z.enum(incidentKinds),
  state: z.enum(['open', 'resolved']),
  severity: z.enum(incidentSeverities),
  error_code: z.string(),
  reason: z.string(),
  run_id: z.string().nullable(),
  /** The status of the run when the incident was opened. */
  run_status: z.string().nullable(),
  tenant_id: z.string(),
  dataset_id: z.string().nullable(),
  opened_at: timestampSchema,
  resolved_at: timestampSchema.nullable(),
  resolved_by: z.string().nullable(),
  resolve_reason: z.string().nullable(),
};

const incidentParams = z.strictObject({ incident_id: nameSchema });

/** Incidents: what went wrong, opened by the very unit in which it did. */
export const incidentRoutes = defineRoutes({
  'incident.ls': {
    method: 'GET',
    path: '/v1/incidents',
    summary: 'Incidents, newest first',
    action: 'incident.read',
    listener: 'operator',
    query: z.strictObject({
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      run_id: runIdSchema.optional(),
      /** Resolved ones too. */
      all: z.enum(['true', 'false']).optional(),
      cursor: z.string().max(512).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    response: document('IncidentList', { items: z.array(z.object(incident)), next_cursor: z.string().nullable() }),
    problems: [],
  },
  'incident.get': {
    method: 'GET',
    path: '/v1/incidents/:incident_id',
    summary: 'One incident',
    action: 'incident.read',
    listener: 'operator',
    params: incidentParams,
    response: document('Incident', incident),
    problems: ['not-found'],
  },
  'incident.resolve': {
    method: 'POST',
    path: '/v1/incidents/:incident_id/resolve',
    summary: 'Say what came of an incident; recorded',
    action: 'incident.resolve',
    listener: 'operator',
    params: incidentParams,
    body: z.strictObject({ reason: z.string().min(3).max(1024) }),
    response: document('Incident', { ...incident, evidence_ref: refSchema.nullable() }),
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
});
