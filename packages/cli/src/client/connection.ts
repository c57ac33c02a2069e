import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { Problem } from '@govctl/core/api';

/** One HTTP request as it goes out. */
export type HttpRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of a file or another stream come with how many there are. */
  readonly body: { readonly stream: Readable; readonly length: number } | Uint8Array | string | null;
  /** Ends the exchange, its answer included. */
  readonly signal: AbortSignal;
};

/** Its answer, whose body is still on its way. Iterating it throws when the connection breaks before the end. */
export type HttpAnswer = { readonly statusCode: number; readonly headers: IncomingHttpHeaders; readonly body: AsyncIterable<Uint8Array> };

/** A way to a daemon, over several connections that are opened when needed: uploads run side by side. */
export type Connection = { request(sent: HttpRequest): Promise<HttpAnswer>; destroy(): Promise<void> };

/** TLS of a URL, in Node's words. */
export type TlsOptions = {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
};

export const maxConnections = 8;
export const connectMs = 10_000;

/** A file that grows or shrinks while it is sent would become half a request, or the beginning of another. */
export function exactly({ stream, length }: { readonly stream: Readable; readonly length: number }): Readable {
  const changed = () =>
    new Problem('usage', { detail: 'what is sent changed its length while it was read', hint: 'try again when nobody writes to it' });
  async function* counted() {
    let left = length;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      left -= chunk.length;
      if (left < 0) throw changed();
      yield chunk;
    }
    if (left > 0) throw changed();
  }
  return Readable.from(counted(), { objectMode: false });
}
