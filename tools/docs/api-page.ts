import { z } from 'zod';
import { problemTable } from '../../packages/core/src/api/problem.ts';
import type { Route } from '../../packages/core/src/api/route.ts';
import type { DocumentSchema } from '../../packages/core/src/document/index.ts';
import { fieldTable } from './schema-table.ts';

type Json = { readonly [key: string]: unknown };

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
}

/** `docs/api.md`: every route with what it takes; answers are in documents.md, the machine-readable whole in openapi.json. */
export function apiPage(routes: Readonly<Record<string, Route>>): string {
  const rows = Object.entries(routes).map(
    ([name, route]) => `| \`${route.method} ${route.path}\` | [${name}](#${anchor(name)}) | ${route.summary.replaceAll('|', '\\|')} |\n`,
  );
  const sections = Object.entries(routes).map(([name, route]) => routeSection(name, route));
  return [
    '# HTTP API of govd\n\nMade from the route list, which also makes the server, the client and `GET /v1/openapi.json` ([openapi.json](api/openapi.json)).\n',
    'Requests are closed: an unknown field, a duplicate key or a body over the limit is refused before any work is done. Problems are RFC 9457: [errors.md](errors.md).\n',
    'Every answer carries `govctl-api-version` (the window of API versions) and `govctl-request-id`; `traceparent` is taken and passed on.\n\n',
    `| request | name | |\n|---|---|---|\n${rows.join('')}\n`,
    ...sections,
  ].join('');
}

const anchor = (name: string) => name.replaceAll('.', '');

function kindOf(schema: z.ZodType): string | undefined {
  const { properties } = jsonSchema(schema, 'output');
  const kind = (properties as Record<string, { const?: unknown }> | undefined)?.kind?.const;
  return typeof kind === 'string' ? kind : undefined;
}

function routeSection(name: string, route: Route): string {
  const part = (title: string, schema: z.ZodType | undefined) =>
    schema === undefined ? '' : `${title}:\n\n${fieldTable(jsonSchema(schema, 'input'))}\n`;
  const kind = route.response === undefined ? undefined : kindOf(route.response);
  const answer =
    kind !== undefined
      ? `[${kind}](documents.md#${kind.toLowerCase()})`
      : route.stream === 'sse'
        ? 'server-sent events'
        : route.stream === undefined
          ? 'JSON'
          : route.stream;
  const codes = route.problems.map((code) => `[${code}](errors.md#${code})`);
  return [
    `## ${name}\n\n\`${route.method} ${route.path}\` ${route.summary}.\n\n`,
    route.action === 'open' ? 'Needs no credentials. ' : `Needs a grant for \`${route.action}\`. `,
    `Listener: ${route.listener}. Answer: ${route.status ?? 200}, ${answer}.${codes.length === 0 ? '' : ` Problems: ${codes.join(', ')}.`}\n\n`,
    part('Path', route.params),
    part('Query', route.query),
    route.raw === true ? 'Body: bytes (`application/octet-stream`).\n\n' : part('Body', route.body),
  ].join('');
}

/** `docs/documents.md`: every kind of document, with its fields. */
export function documentsPage(routes: Readonly<Record<string, Route>>, kinds: Readonly<Record<string, DocumentSchema>>): string {
  const link = (name: string) =>
    Object.hasOwn(routes, name) ? `[${name}](api.md#${anchor(name)})` : name === 'govctl' ? 'govctl itself' : `\`${name}\``;
  const sections = Object.entries(kinds).map(([kind, { schemas, from, io }]) => {
    const tables = schemas.map((schema) => fieldTable(jsonSchema(schema, io)));
    return `## ${kind}\n\nFrom ${[...new Set(from)].map(link).join(', ')}. [JSON Schema](schema/${kind}.json).\n\n${tables.join('\nor\n\n')}\n`;
  });
  return `# Documents\n\nWhat govd answers, \`govctl -o json\` prints, and either reads from files. Fields are only ever added; times are RFC 3339 in UTC.\n\n${sections.join('')}`;
}

/** `docs/errors.md`: a heading a code, so that every error message can point at its own. */
export function errorsPage(routes: Readonly<Record<string, Route>>, exits: Readonly<Record<string, { readonly code: number }>>): string {
  const sections = Object.entries(problemTable).map(([code, { status, exit, title }]) => {
    const from = Object.entries(routes).filter(([, route]) => (route.problems as readonly string[]).includes(code));
    return `## ${code}\n\n${title}. ${status === 0 ? 'Found by govctl itself' : `HTTP ${status}`}; govctl exits with ${exits[exit]?.code} (${exit}).${
      from.length === 0 ? '' : ` Routes: ${from.map(([name]) => `[${name}](api.md#${anchor(name)})`).join(', ')}.`
    }\n\n`;
  });
  return `# Errors\n\nEvery error has a code, says why, and ends with how to mend it. The codes are a public API; over HTTP they are RFC 9457 problems of type \`urn:govctl:problem:<code>\`.\n\n${sections.join('')}`;
}
