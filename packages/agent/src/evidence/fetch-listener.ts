import type { AddressInfo } from 'node:net';
import { Problem, type Route } from '@govctl/core/api';
import { createHttpServer, type HttpOptions, type HttpServer } from '../http/index.ts';

export type FetchListener = {
  /** Scheme, address and port; no slash at the end. */
  readonly url: string;
  readonly http: HttpServer;
};

/**
 * Serves signed URLs on 127.0.0.1, and nothing else: whatever is asked for besides, nothing is there. For a daemon that is otherwise
 * reached over its socket, where a browser and curl cannot follow a URL.
 *
 * @throws Problem `usage` when the port is taken
 */
export async function openFetchListener(port: number, options: Omit<HttpOptions, 'listeners'>): Promise<FetchListener> {
  const isFetch = ([, route]: readonly [string, Route]) => route.target !== undefined;
  const http = createHttpServer({
    ...options,
    routes: Object.fromEntries(Object.entries(options.routes).filter(isFetch)),
    listeners: new Set(['public']),
    silent: true,
  });
  try {
    await http.app.listen({ host: '127.0.0.1', port });
  } catch (error) {
    await http.close(0);
    throw new Problem('usage', {
      detail: `127.0.0.1:${port} cannot be listened on: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      hint: 'choose another port for listeners.fetch in govd.yaml; 0 is any free one',
      cause: error,
    });
  }
  const { port: taken } = http.app.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${taken}`, http };
}
