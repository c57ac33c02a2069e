import { z } from 'zod';
import { problemTable } from './problem.ts';
import { problemSchema } from './problem-document.ts';
import type { Route } from './route.ts';

/**
 * The API as an OpenAPI 3.1 document, made from the route list alone: zod writes the JSON schemas itself, so no second
 * description exists that could differ.
 */
export function openapiDocument(routes: Readonly<Record<string, Route>>, version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries(routes)) {
    const path = route.path.replace(/:([a-z_]+)/g, '{$1}').replace(/\*$/, '{path}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'govd', version, description: 'Promotions with evidence: see docs/api.md', license: { name: 'Apache-2.0' } },
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'A static API key of local_parity' } },
      schemas: { Problem: z.toJSONSchema(problemSchema) },
    },
    security: [{ apiKey: [] }],
  };
}

function operation(name: string, route: Route): Record<string, unknown> {
  const status = String(route.status ?? 200);
  const problems = [
    ...new Set([
      'invalid-request' as const,
      ...(route.action === 'open' ? [] : (['unauthenticated', 'forbidden'] as const)),
      ...route.problems,
    ]),
  ];
  const byStatus = new Map<number, string[]>();
  for (const code of problems) byStatus.set(problemTable[code].status, [...(byStatus.get(problemTable[code].status) ?? []), code]);
  return {
    operationId: name,
    summary: route.summary,
    'x-govctl-action': route.action,
    'x-govctl-listener': route.listener,
    ...(route.action === 'open' ? { security: [] } : {}),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body === undefined && route.raw !== true ? {} : { requestBody: { required: true, content: bodyContent(route) } }),
    responses: {
      [status]: { description: 'As asked', ...answerContent(route) },
      ...Object.fromEntries(
        [...byStatus].map(([code, codes]) => [
          String(code),
          { description: codes.join(', '), content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
        ]),
      ),
    },
  };
}

function parameters(schema: z.ZodObject | undefined, where: 'path' | 'query') {
  if (schema === undefined) return [];
  return Object.entries(schema.shape).map(([name, value]) => ({
    name: name === '*' ? 'path' : name,
    in: where,
    required: where === 'path' || !(value as z.ZodType).safeParse(undefined).success,
    schema: jsonSchema(value as z.ZodType, 'input'),
  }));
}

function bodyContent(route: Route) {
  return route.raw === true
    ? { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
    : { 'application/json': { schema: jsonSchema(route.body as z.ZodType, 'input') } };
}

function answerContent(route: Route) {
  if (route.response !== undefined) return { content: { 'application/json': { schema: jsonSchema(route.response, 'output') } } };
  const type = route.stream === 'sse' ? 'text/event-stream' : route.stream === 'bytes' ? 'application/octet-stream' : 'text/plain';
  return route.stream === undefined ? {} : { content: { [type]: { schema: { type: 'string' } } } };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>;
  return rest;
}
