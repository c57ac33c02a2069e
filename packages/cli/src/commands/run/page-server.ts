import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { receiptHeaders } from '@govctl/core/receipt';

export type PageServer = {
  readonly url: string;
  /** Resolves when the page was fetched to its end. */
  readonly fetched: Promise<void>;
  close(): Promise<void>;
};

/**
 * One page on 127.0.0.1, at any free port, under a path of 128 random bits. Another user of this machine can see the port, and a page in
 * a browser can name it: neither knows the path, and a name that somebody points here is not answered to (DNS rebinding).
 */
export async function servePage(page: string): Promise<PageServer> {
  const path = Buffer.from(`/${randomBytes(16).toString('hex')}`);
  const body = Buffer.from(page);
  let hosts: ReadonlySet<string> = new Set();
  let told = () => {};
  const fetched = new Promise<void>((resolve) => {
    told = resolve;
  });

  const server = createServer((request, response) => {
    if (!isAsked(request, path, hosts)) return refuse(response);
    response.writeHead(200, { ...receiptHeaders, 'content-length': body.length, connection: 'close' });
    if (request.method === 'HEAD') return response.end();
    // Only what arrived counts: a connection that broke half-way may come again.
    response.once('finish', told);
    return response.end(body);
  });
  server.maxConnections = 16;
  server.headersTimeout = 5000;
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  return {
    url: `http://127.0.0.1:${port}${path}`,
    fetched,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), 1000);
      await closed;
      clearTimeout(cut);
    },
  };
}

function isAsked({ method, url = '', headers }: IncomingMessage, path: Buffer, hosts: ReadonlySet<string>): boolean {
  const asked = Buffer.from(url);
  const right = asked.length === path.length && timingSafeEqual(asked, path);
  return right && (method === 'GET' || method === 'HEAD') && hosts.has(headers.host ?? '');
}

/** The same answer to everything else: nothing is here. */
function refuse(response: ServerResponse): void {
  response.writeHead(404, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': 0,
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end();
}
