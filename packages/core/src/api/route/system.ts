import { z } from 'zod';
import { document } from '../common.ts';
import { defineRoutes } from '../route.ts';

export const versionDocument = document('Version', {
  version: z.string(),
  service_release_id: z.string(),
  api: z.object({ min: z.number().int(), max: z.number().int() }),
  kernel_version: z.string(),
  schema: z.number().int(),
  environment: z.string(),
  parity_contract: z.string(),
});

export const readinessDocument = document('Readiness', {
  ready: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
});

/** Alive, ready, metrics, version: open, because a supervisor without credentials asks them. They tell nothing about data. */
export const systemRoutes = defineRoutes({
  'system.health': {
    method: 'GET',
    path: '/healthz',
    summary: 'The process is alive',
    action: 'open',
    listener: 'internal',
    stream: 'text',
    problems: [],
  },
  'system.ready': {
    method: 'GET',
    path: '/readyz',
    summary: 'Ready to serve, or what is not',
    action: 'open',
    listener: 'internal',
    response: readinessDocument,
    problems: ['unavailable'],
  },
  'system.metrics': {
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus metrics',
    action: 'open',
    listener: 'internal',
    stream: 'text',
    problems: [],
  },
  'system.version': {
    method: 'GET',
    path: '/version',
    summary: 'Version and API window',
    action: 'open',
    listener: 'internal',
    response: versionDocument,
    problems: [],
  },
  'system.openapi': {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This API as OpenAPI 3.1',
    action: 'open',
    listener: 'internal',
    response: z.looseObject({}),
    problems: [],
  },
});
