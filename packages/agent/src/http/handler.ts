import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Route, RouteRequest, RouteResponse } from '@govctl/core/api';
import type { Actor } from '@govctl/core/identity';

export type RequestContext = {
  /** Who asks, from authentication; on open routes nobody. */
  readonly actor: Actor;
  readonly request_id: string;
  /** The deployment's clock when the request arrived, RFC 3339. */
  readonly now: string;
  readonly traceparent: string | undefined;
  readonly headers: IncomingMessage['headers'];
  /** The unparsed body of `raw` routes. */
  readonly raw: Readable;
  /** Thumbprint of the client's certificate, base64url; absent where the connection has none. */
  readonly confirmation?: string;
  /** Aborted when the client goes away or the daemon stops. */
  readonly signal: AbortSignal;
};

/** An answer that is more than a JSON document with the route's status. */
export class Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | Readable | null;

  constructor(status: number, body: string | Uint8Array | Readable | null, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export type Handler<R extends Route> = (request: RouteRequest<R> & RequestContext) => Promise<RouteResponse<R> | Reply>;

/** A handler for every route of a domain: the compiler proves that none is missing. */
export type Handlers<Routes extends Record<string, Route>> = { readonly [K in keyof Routes]: Handler<Routes[K]> };
