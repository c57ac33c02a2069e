import type { Readable } from 'node:stream';
import type { RouteInput, RouteList, RouteName, RouteResponse } from '@govctl/core/api';

/** Per call: `timeoutMs` for the whole exchange (30 s unless told), `signal` besides the command's own. */
export type CallOptions = { readonly timeoutMs?: number; readonly signal?: AbortSignal };

/** A route without required input may be called without any. */
type Input<N extends RouteName> =
  // biome-ignore lint/complexity/noBannedTypes: `{}` is exactly what an input without required parts extends from
  {} extends RouteInput<RouteList[N]>
    ? [input?: RouteInput<RouteList[N]>, options?: CallOptions]
    : [input: RouteInput<RouteList[N]>, options?: CallOptions];

export type Upload = {
  readonly body: Readable | Uint8Array;
  readonly length: number;
};

export type Download = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Throws a Problem when the connection breaks before its end. */
  readonly body: AsyncIterable<Uint8Array>;
};

/** Where a download broke off, and the strong tag of what it is a part of. */
export type Continuation = { readonly from: number; readonly etag: string };

/** One server-sent event. `data` is JSON already parsed. */
export type ServerSentEvent = { readonly id: string | null; readonly event: string; readonly data: unknown };

/**
 * The daemon, typed by the route list: paths, requests and answers come from the same declarations the server is made from, and
 * every answer is checked against its schema. Connects when first used.
 *
 * @throws Problem what the daemon answered (`application/problem+json`), or `not-started`, `not-permitted`, `stale-socket`,
 * `unreachable`, `api-version`, `timeout`, `cancelled` from the way there
 */
export type Client = {
  /** @example const version = await client.call('system.version'); */
  call<N extends RouteName>(name: N, ...input: Input<N>): Promise<RouteResponse<RouteList[N]>>;
  /** Bytes up to a `raw` route; the answer is its JSON document. */
  upload<N extends RouteName>(
    name: N,
    input: RouteInput<RouteList[N]>,
    upload: Upload,
    options?: CallOptions,
  ): Promise<RouteResponse<RouteList[N]>>;
  /** Bytes or text down, as they come. */
  download<N extends RouteName>(name: N, ...input: Input<N>): Promise<Download>;
  /** Server-sent events until the daemon or the signal ends them. */
  events<N extends RouteName>(name: N, ...input: Input<N>): AsyncIterable<ServerSentEvent>;
  /**
   * An absolute or relative URL the daemon handed out (a signed evidence URL), fetched over this connection without credentials
   * of ours: the capability in it is the permission. With `rest`, only what is missing.
   */
  fetchCapability(url: string, options?: CallOptions & { readonly rest?: Continuation }): Promise<Download>;
  close(): Promise<void>;
};
