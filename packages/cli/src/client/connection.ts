import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request as requestOverHttp } from 'node:http';
import type { RequestOptions } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { Problem } from '@govctl/core/api';

/** One HTTP request as it goes out. */
export type HttpRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** Bytes of a file or another stream come with how many there are. */
  readonly body: { readonly stream: Readable; readonly length: number } | Uint8Array | string | null;
  /** Ends the exchange, its answer included. */
  readonly signal: AbortSignal;
};

/** Its answer, whose body is still on its way. Iterating it throws when the connection breaks before the end. */
export type HttpAnswer = { readonly statusCode: number; readonly headers: IncomingHttpHeaders; readonly body: AsyncIterable<Uint8Array> };

/** Node's own HTTP client: what a command reads before it can ask is what it waits for. */
export type Connection = { request(sent: HttpRequest): Promise<HttpAnswer>; destroy(): void };

/** TLS of a URL, in Node's words. */
export type TlsOptions = {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
};

// Several connections, opened when needed: uploads run side by side. How long an idle one is kept, the daemon says itself.
const kept = { keepAlive: true, maxSockets: 8 };

const connectMs = 10_000;

/** To a unix socket. */
export function connectSocket(socket: string): Connection {
  const agent = new Agent(kept);
  // With a name for TLS, though there is none, http does not ask whether the host is an IP address: its pattern takes long to compile.
  return over(requestOverHttp, { agent, socketPath: socket, servername: '', headers: { host: 'govd' } });
}

/** To a daemon that listens on TCP, with TLS 1.2 or later. */
export async function connectUrl(url: string, tls: TlsOptions): Promise<Connection> {
  const { hostname, port, host } = new URL(url);
  // The brackets of an IPv6 address are the URL's, not the address's.
  const where = { hostname: hostname.replace(/^\[|\]$/g, ''), ...(port === '' ? {} : { port }), headers: { host } };
  const https = await import('node:https');
  const agent = new https.Agent({ ...kept, rejectUnauthorized: true, minVersion: 'TLSv1.2', ...tls });
  return over(https.request, { agent, ...where });
}

function over(
  request: typeof requestOverHttp,
  to: RequestOptions & { readonly agent: Agent; readonly headers: OutgoingHttpHeaders },
): Connection {
  return {
    request: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const sent = request({ ...to, method, path, headers: { ...to.headers, ...headers }, signal });
        // What goes wrong after the answer began is told to whoever reads the answer.
        sent.on('error', reject);
        sent.once('socket', (socket) => {
          if (!socket.connecting) return;
          const timer = setTimeout(() => sent.destroy(notConnected()), connectMs);
          for (const event of ['encrypted' in socket ? 'secureConnect' : 'connect', 'close']) socket.once(event, () => clearTimeout(timer));
        });
        sent.once('response', (answer) => resolve({ statusCode: answer.statusCode ?? 0, headers: answer.headers, body: answer }));
        if (body !== null && typeof body === 'object' && 'stream' in body) {
          pipeline(body.stream, exactly(body.length), sent, (error) => error && reject(error));
        } else sent.end(body ?? undefined);
      }),
    destroy: () => to.agent.destroy(),
  };
}

/** A file that grows or shrinks while it is sent would become half a request, or the beginning of another. */
function exactly(length: number): (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> {
  return async function* (bytes) {
    let left = length;
    const changed = () =>
      new Problem('usage', { detail: 'what is sent changed its length while it was read', hint: 'try again when nobody writes to it' });
    for await (const chunk of bytes) {
      left -= chunk.length;
      if (left < 0) throw changed();
      yield chunk;
    }
    if (left > 0) throw changed();
  };
}

function notConnected(): Error {
  return Object.assign(new Error(`no connection within ${connectMs / 1000} s`), { code: 'ETIMEDOUT' });
}
