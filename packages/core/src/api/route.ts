import type { z } from 'zod';
import type { ProblemCode } from './problem.ts';

/** `admin` routes say who may do what: where the daemon has an admin socket, they are served there and nowhere else. */
export type Listener = 'operator' | 'admin' | 'public' | 'internal';

/**
 * One HTTP route, declared once: the server, the typed client, the OpenAPI document and the authorization test are all made
 * from it. `action` is what a grant must name; `open` routes (health, published keys, the log) need no credentials, and say so.
 */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** Path with `:name` parameters, from `/v1` on. */
  readonly path: string;
  /** The only spelling of path and query that is served, byte for byte; any other that means the same path is refused. */
  readonly target?: RegExp;
  readonly summary: string;
  readonly action: string | 'open';
  readonly listener: Listener;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The JSON answer; `stream` routes answer bytes, text or server-sent events instead. */
  readonly response?: z.ZodType;
  readonly stream?: 'bytes' | 'text' | 'sse';
  /** Request body limit in bytes where the default (1 MiB) does not fit; `raw` bodies are streamed, never parsed. */
  readonly bodyLimit?: number;
  readonly raw?: true;
  readonly status?: 200 | 201 | 202 | 204;
  readonly problems: readonly ProblemCode[];
};

export function defineRoutes<const R extends Record<string, Route>>(routes: R): R {
  return routes;
}

type Infer<T> = T extends z.ZodType ? z.infer<T> : undefined;
type Input<T> = T extends z.ZodType ? z.input<T> : undefined;

/** What a handler receives: parsed and closed. */
export type RouteRequest<R extends Route> = { params: Infer<R['params']>; query: Infer<R['query']>; body: Infer<R['body']> };

type Optionals<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };
/** What a client sends: only the parts the route has. */
export type RouteInput<R extends Route> = Optionals<{ params: Input<R['params']>; query: Input<R['query']>; body: Input<R['body']> }>;
export type RouteResponse<R extends Route> = R['response'] extends z.ZodType ? z.infer<R['response']> : unknown;
