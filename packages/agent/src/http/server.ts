import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { type TlsOptions, Server as TlsServer } from 'node:tls';
import {
  apiWindowHeader,
  commonApiVersion,
  faultText,
  formatApiWindow,
  isProblem,
  type Listener,
  Problem,
  type ProblemCode,
  parseApiWindow,
  parseStrictJson,
  type Route,
  readAs,
  reasonsOf,
  schemaVersion,
} from '@govctl/core/api';
import { type Actor, mayCall } from '@govctl/core/identity';
import Fastify, {
  type FastifyHttpsOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  type RequestPayload,
} from 'fastify';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Authenticator } from '../identity/authenticate.ts';
import { confirmationOf } from './confirmation.ts';
import { exactTargets } from './exact-target.ts';
import { type Handler, Reply, type RequestContext } from './handler.ts';
import { assertStrictHttp } from './strict.ts';

/** Of a request's headers: how long they may be, and how long they may take to arrive. */
const headerBytes = 16_384;
const headersMs = 10_000;

export type HttpObserver = { request(measure: { route: string; status: number; seconds: number }): void };

/** A call that was refused before its handler saw it: the actor has no grant for the route's action. */
export type Refusal = {
  readonly route: string;
  readonly actor: Actor;
  /** Of the path, not validated. */
  readonly params: unknown;
  readonly request_id: string;
  readonly now: string;
};

export type HttpOptions = {
  readonly routes: Readonly<Record<string, Route>>;
  readonly handlers: Readonly<Record<string, Handler<Route>>>;
  readonly authenticator: Authenticator;
  readonly now: () => string;
  readonly logger: Logger;
  readonly versionHeader: string;
  readonly observer: HttpObserver;
  /** Told before the caller is: what must be on record is, or the call fails otherwise. */
  readonly onRefusal?: (refusal: Refusal) => Promise<void>;
  /** Which listener class this server is; routes of other classes do not exist on it. */
  readonly listeners: ReadonlySet<Listener>;
  /** Classes that another socket serves: asking for them here is refused, with what to do instead. */
  readonly elsewhere?: ReadonlyMap<Listener, string>;
  readonly allowedHosts?: ReadonlySet<string>;
  /** Answers everything that is not served with the same 404, and does not say what else there could be. */
  readonly silent?: true;
  /** Serves over TLS. */
  readonly tls?: TlsOptions;
  /** How long the body of a request that is parsed may take to arrive, in milliseconds; 30 s unless said. */
  readonly bodyDeadlineMs?: number;
};

const nobody: Actor = { actor_id: 'SYSTEM::nobody', source_type: 'SYSTEM', authenticated_by: 'none', grants: [] };
const defaultBodyLimit = 1024 * 1024;
const defaultBodyDeadlineMs = 30_000;

/** A unix socket of our own, or one that was opened by whoever started this process. */
type ListenAt = { readonly path: string } | { readonly fd: number };

export type HttpServer = {
  readonly app: FastifyInstance;
  listen(at: ListenAt): Promise<void>;
  /** Another certificate, key and authority of clients, for connections from now on. @throws what TLS has against them */
  renewTls(tls: TlsOptions): void;
  /** @param drainMs how long requests under way may take before their connections are cut */
  close(drainMs: number): Promise<void>;
};

/** One server from the route list. A route without a handler or an action does not start. */
export function createHttpServer(options: HttpOptions): HttpServer {
  const parser = { maxHeaderSize: headerBytes, insecureHTTPParser: false, headersTimeout: headersMs, connectionsCheckingInterval: 1000 };
  const common: FastifyServerOptions = {
    logger: false,
    bodyLimit: defaultBodyLimit,
    connectionTimeout: 30_000,
    // No limit on the whole of a request: an upload takes as long as it takes. Headers have ten seconds, a silent connection
    // thirty, and a body that is parsed has a deadline of its own.
    requestTimeout: 0,
    keepAliveTimeout: 60_000,
    forceCloseConnections: 'idle',
    genReqId: () => randomBytes(8).toString('hex'),
    exposeHeadRoutes: false,
    // A connection that was accepted before the drain began is answered, and closed after it: its caller has no way to know.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256, caseSensitive: true, ignoreTrailingSlash: false },
    clientErrorHandler: answerParserError,
    // A path the router itself refuses meets no hook and no error handler of ours.
    frameworkErrors(error, request, reply) {
      reply.header(apiWindowHeader, options.versionHeader);
      sendProblem(toProblem(error), request, reply, options.logger);
    },
  };
  const app =
    options.tls === undefined
      ? Fastify({ ...common, http: parser })
      : // A server of HTTP over TLS is one of HTTP in all that is asked of it here.
        (Fastify({
          ...common,
          https: { ...parser, handshakeTimeout: 10_000, ...options.tls },
        } as FastifyHttpsOptions<HttpsServer>) as unknown as FastifyInstance);
  app.server.maxConnections = 512;
  const stopping = new AbortController();
  const served = Object.entries(options.routes).filter(
    ([, { listener }]) => options.listeners.has(listener) || options.elsewhere?.has(listener) === true,
  );
  const assertExactTarget = exactTargets(served.map(([, route]) => route));

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseStrictJson(body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null, undefined));

  app.addHook('onRequest', async (request) => {
    assertStrictHttp(request.raw, options.allowedHosts);
    assertCommonApi(request, options.versionHeader);
    assertExactTarget(request.raw.url ?? '');
  });
  app.addHook('onResponse', async (request, reply) => {
    options.observer.request({
      route: request.routeOptions.config.name ?? 'none',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
  });
  app.addHook('onSend', async (request, reply) => {
    reply.header(apiWindowHeader, options.versionHeader);
    reply.header('govctl-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  app.setErrorHandler((error, request, reply) => sendProblem(toProblem(error), request, reply, options.logger));
  app.setNotFoundHandler((request, reply) => {
    const detail = options.silent === true ? 'nothing is here' : `no route ${request.method} ${shortened(request.url)}`;
    return sendProblem(new Problem('not-found', { detail }), request, reply, options.logger);
  });

  for (const [name, route] of served) {
    const elsewhere = options.elsewhere?.get(route.listener);
    const handler = options.handlers[name];
    if (handler === undefined || route.action === '')
      throw new Error(`route ${name} has no ${handler === undefined ? 'handler' : 'action'}`);
    app.route({
      method: route.method,
      url: route.path,
      bodyLimit: route.bodyLimit ?? defaultBodyLimit,
      config: { name },
      // Authentication before the body is read: an unauthenticated caller costs a header, not a megabyte.
      preParsing: async (request, _reply, payload) => {
        if (elsewhere !== undefined)
          throw new Problem('forbidden', {
            detail: `${name} is not served on this socket, but on the ${route.listener} socket`,
            hint: elsewhere,
          });
        request.actor =
          route.action === 'open' ? nobody : await options.authenticator.authenticate(request.headers.authorization, options.now());
        if (route.action !== 'open' && !mayCall(request.actor, route.action)) {
          await options.onRefusal?.({
            route: name,
            actor: request.actor,
            params: request.params,
            request_id: request.id,
            now: options.now(),
          });
          throw new Problem('forbidden', {
            detail: `${request.actor.actor_id} has no grant for ${route.action}`,
            hint: `an operator can grant it: govctl apikey add --actor ${request.actor.actor_id} --action ${route.action}`,
          });
        }
        if (route.raw !== true) endAtDeadline(payload, options.bodyDeadlineMs ?? defaultBodyDeadlineMs);
        return payload;
      },
      handler: async (request, reply) => {
        const aborted = new AbortController();
        const { socket } = request.raw;
        const abort = () => aborted.abort();
        socket.once('close', abort);
        // The connection outlives the request: many requests on one must not pile up listeners.
        reply.raw.once('close', () => socket.off('close', abort));
        const context: RequestContext = {
          actor: request.actor,
          request_id: request.id,
          now: options.now(),
          traceparent: traceparentOf(request),
          headers: request.headers,
          raw: request.raw,
          ...confirmationOf(socket),
          signal: AbortSignal.any([aborted.signal, stopping.signal]),
        };
        const result = await handler({
          params: parsed(route.params, request.params, 'path'),
          query: parsed(route.query, request.query, 'query'),
          body: route.raw === true ? undefined : parsed(route.body, request.body ?? undefined, 'body'),
          ...context,
        } as Parameters<typeof handler>[0]);
        if (result instanceof Reply) {
          for (const [header, value] of Object.entries(result.headers)) reply.header(header, value);
          return reply.code(result.status).send(result.body ?? '');
        }
        reply.code(route.status ?? 200).header('content-type', 'application/json; charset=utf-8');
        return reply.send(JSON.stringify(result));
      },
    });
  }

  return {
    app,
    async listen(at) {
      if ('path' in at) await app.listen(at);
      else {
        // Fastify knows no descriptors; its close() closes the server either way.
        await app.ready();
        app.server.listen(at);
        await once(app.server, 'listening');
      }
    },
    renewTls(tls) {
      const { server }: { readonly server: unknown } = app;
      if (!(server instanceof TlsServer)) throw new Error('this server has no TLS');
      server.setSecureContext(tls);
    },
    async close(drainMs) {
      stopping.abort();
      // Requests under way get this long; then their connections are cut, and their callers retry by run_id.
      const cut = setTimeout(() => app.server.closeAllConnections(), drainMs);
      try {
        await app.close();
      } finally {
        clearTimeout(cut);
      }
    },
  };
}

/**
 * A client says which versions it speaks. One that shares none with this daemon is told so before it believes an answer it may read wrongly;
 * one that says nothing is no client of ours, and takes what it gets.
 */
function assertCommonApi(request: FastifyRequest, versionHeader: string): void {
  const said = request.headers[apiWindowHeader];
  const [theirs, ours] = [typeof said === 'string' ? parseApiWindow(said) : undefined, parseApiWindow(versionHeader)];
  if (theirs === undefined || ours === undefined || commonApiVersion(ours, theirs) !== undefined) return;
  throw new Problem('api-version', {
    detail: `the client speaks API ${formatApiWindow(theirs)}, this govd ${versionHeader}`,
    hint: theirs.max < ours.min ? 'upgrade govctl' : 'upgrade govd, or use an older govctl',
  });
}

/** A path as an error may repeat it: a key or a capability that somebody put into one is longer than any name there is. */
function shortened(url: string): string {
  const parts = (url.split('?', 1)[0] ?? '').split('/');
  return parts.map((part) => (part.length > 40 ? `${part.slice(0, 8)}...` : part)).join('/');
}

/** A body that dribbles keeps its connection from being silent, so silence cannot end it. Who reads the body answers. */
function endAtDeadline(body: RequestPayload, milliseconds: number): void {
  const deadline = setTimeout(() => {
    const problem = new Problem('request-timeout', {
      detail: `the body did not arrive within ${milliseconds / 1000} s`,
      hint: 'try again',
    });
    body.emit('error', problem);
  }, milliseconds);
  deadline.unref();
  const met = () => clearTimeout(deadline);
  body.once('end', met).once('close', met).once('error', met);
}

function parsed(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) {
    const empty = value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
    if (!empty) throw new Problem('invalid-request', { detail: `this route takes no ${where}` });
    return undefined;
  }
  const read = readAs(schema, value ?? {});
  if (read.ok) return read.value;
  throw new Problem('invalid-request', {
    detail: faultText(read.faults, [where]),
    hint: 'docs/api.md lists what every route takes, and GET /v1/openapi.json describes it',
    reasons: reasonsOf(read.faults, [where]),
  });
}

function traceparentOf(request: FastifyRequest): string | undefined {
  const value = request.headers.traceparent;
  return typeof value === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value) ? value : undefined;
}

/** Fastify's own refusals, said in our words. */
const fastifyProblems: Record<string, ConstructorParameters<typeof Problem>[0]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-request',
  FST_ERR_BAD_URL: 'invalid-request',
  FST_ERR_MAX_PARAM_LENGTH: 'invalid-request',
};

function toProblem(error: unknown): Problem {
  if (isProblem(error)) return error;
  const code = (error as { code?: unknown }).code;
  const known = typeof code === 'string' ? fastifyProblems[code] : undefined;
  if (known !== undefined) return new Problem(known, { detail: (error as Error).message, cause: error });
  return new Problem('internal', {
    detail: 'govd met a bug while serving this request',
    hint: 'the journal of govd has the details under this request id',
    cause: error,
  });
}

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  if (problem.status >= 500)
    logger.error({ request_id: request.id, route: request.routeOptions.config.name, err: problem.cause ?? problem }, problem.message);
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  if (problem.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="govd"');
  // The request body may not have been read: the connection cannot be used again.
  if (!request.raw.complete) reply.header('connection', 'close');
  return reply
    .code(problem.status === 0 ? 500 : problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify({ schemaVersion, kind: 'Problem', ...problem.toDocument(request.id) }));
}

function answerParserError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable) return;
  const [code, detail]: [ProblemCode, string] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['headers-too-large', `the headers are longer than the ${headerBytes} bytes that govd reads`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['request-timeout', `nothing was done: the headers were not there within ${headersMs / 1000} seconds; send the same again`]
        : ['invalid-request', 'this is not a request govd reads'];
  const problem = new Problem(code, { detail });
  const body = JSON.stringify({ schemaVersion, kind: 'Problem', ...problem.toDocument() });
  socket.end(
    `HTTP/1.1 ${problem.status} ${code}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

declare module 'fastify' {
  // biome-ignore lint/style/useConsistentTypeDefinitions: an interface is what fastify lets one extend
  interface FastifyRequest {
    actor: Actor;
  }
  // biome-ignore lint/style/useConsistentTypeDefinitions: likewise
  interface FastifyContextConfig {
    name?: string;
  }
}
