import type { AddressInfo } from 'node:net';
import { Problem, type Route } from '@govctl/core/api';
import type { Logger } from 'pino';
import { createHttpServer, type HttpOptions, type HttpServer } from '../http/index.ts';
import type { FetchTls } from './fetch-tls.ts';

export type FetchListener = {
  /** Scheme, address and port; no slash at the end. */
  readonly url: string;
  readonly http: HttpServer;
  /** Reads the certificate again, for connections from now on; one that is refused changes nothing. @returns what is left to be said, or nothing */
  renew(): string;
};

export type FetchPlace = {
  readonly host: string;
  readonly port: number;
  /** Reads what TLS needs; absent where signed URLs are served in the clear, which is over loopback. */
  readonly tls?: () => FetchTls;
};

/**
 * Serves signed URLs, and nothing else: whatever is asked for besides, nothing is there. For a daemon that is otherwise reached over its
 * socket, where a browser and curl cannot follow a URL.
 *
 * @throws Problem `usage` when the port is taken, or what is wrong with the files of TLS
 */
export async function openFetchListener({ host, port, tls }: FetchPlace, options: Omit<HttpOptions, 'listeners'>): Promise<FetchListener> {
  const isFetch = ([, route]: readonly [string, Route]) => route.target !== undefined;
  const first = tls?.();
  const http = createHttpServer({
    ...options,
    routes: Object.fromEntries(Object.entries(options.routes).filter(isFetch)),
    listeners: new Set(['public']),
    silent: true,
    ...(first === undefined ? {} : { tls: first.options }),
  });
  try {
    await http.app.listen({ host, port });
  } catch (error) {
    await http.close(0);
    throw new Problem('usage', {
      detail: `${host}:${port} cannot be listened on: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      hint: 'choose another host or port for listeners.fetch in govd.yaml; port 0 is any free one',
      cause: error,
    });
  }
  const { port: taken } = http.app.server.address() as AddressInfo;
  const url = `${first === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${taken}`;
  options.logger.info({ url, certificate_until: first?.valid_until }, 'signed evidence URLs are served');
  return { url, http, renew: () => (tls === undefined ? '' : renewed(http, tls, options.logger)) };
}

function renewed(http: HttpServer, tls: () => FetchTls, logger: Logger): string {
  try {
    const { options, valid_until } = tls();
    http.renewTls(options);
    logger.info({ certificate_until: valid_until }, 'the TLS certificate was read again');
    return '';
  } catch (error) {
    logger.error({ err: error }, 'the TLS certificate is refused; the old one stays');
    return `the TLS certificate is refused, the old one stays: ${(error as Error).message}`;
  }
}
