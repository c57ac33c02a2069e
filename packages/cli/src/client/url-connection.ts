import { Pool } from 'undici';
import { type Connection, connectMs, exactly, maxConnections, type TlsOptions } from './connection.ts';

/** To a daemon that listens on TCP, with TLS 1.2 or later. A module of its own, loaded where the context has a URL. */
export function connectUrl(url: string, tls: TlsOptions): Connection {
  const pool = new Pool(url, {
    connections: maxConnections,
    pipelining: 1,
    maxResponseSize: -1,
    allowH2: false,
    // The signal of a request says how long it may take.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: connectMs, rejectUnauthorized: true, minVersion: 'TLSv1.2', ...tls },
  });
  return {
    request: ({ body, ...rest }) =>
      pool.request({ ...rest, body: body !== null && typeof body === 'object' && 'stream' in body ? exactly(body) : body }),
    destroy: () => pool.destroy(),
  };
}
