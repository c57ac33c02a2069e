import { z } from 'zod';
import { alertSeverities, suppressionReasons } from '../../alert/alert.ts';
import { document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const count = z.number().int();
/** How many occurrences told nobody anything, by why. */
const suppressed = z.partialRecord(z.enum(suppressionReasons), count);
const silence = z.object({ until: timestampSchema, reason: z.string(), by: z.string() });

const alert = {
  tenant_id: z.string(),
  alert_key: z.string(),
  state: z.enum(['firing', 'resolved']),
  severity: z.enum(alertSeverities),
  domain: z.string(),
  summary: z.string(),
  /** A command that shows more. */
  fix: z.string().nullable(),
  dataset_id: z.string().nullable(),
  run_id: z.string().nullable(),
  event_id: z.string().nullable(),
  first_at: timestampSchema,
  last_at: timestampSchema,
  /** Of this firing. */
  occurrences: count,
  resolved_at: timestampSchema.nullable(),
  resolved_why: z.string().nullable(),
  /** Sinks that heard of this firing. */
  told: z.array(z.string()),
  /** Sinks that have yet to hear of it, or of its end. */
  owed: z.array(z.string()),
  sent_at: timestampSchema.nullable(),
  last_error: z.string().nullable(),
  /** Why nobody heard of this firing yet. */
  held: z.enum(suppressionReasons).nullable(),
  suppressed,
  parent_key: z.string().nullable(),
  silence: silence.nullable(),
};

/** Alerts: what fires, who was told, and what was kept quiet. */
export const alertRoutes = defineRoutes({
  'alert.ls': {
    method: 'GET',
    path: '/v1/alerts',
    summary: 'Alerts that fire, with what was suppressed and why',
    action: 'alert.read',
    listener: 'operator',
    query: z.strictObject({ tenant_id: nameSchema.default('default'), all: z.enum(['true', 'false']).optional() }),
    response: document('AlertList', {
      tenant_id: z.string(),
      items: z.array(z.object(alert)),
      /** Of all alerts of the tenant, those that are over too. */
      suppressed,
      /** Firings of further alerts there was no room for: counted, and nothing else. */
      overflow: count,
      /** Notices of the last hour, of as many as may be. */
      sent_last_hour: count,
      per_hour: count,
    }),
    problems: [],
  },
  'alert.silence': {
    method: 'POST',
    path: '/v1/alerts/silence',
    summary: 'Tell nobody of an alert for some time; recorded',
    action: 'alert.silence',
    listener: 'operator',
    body: z.strictObject({
      tenant_id: nameSchema.default('default'),
      alert_key: z.string().min(1).max(512),
      for_s: z.number().int().min(1).max(2_592_000),
      reason: z.string().min(3).max(1024),
    }),
    response: document('Alert', { ...alert, evidence_ref: refSchema }),
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
});
