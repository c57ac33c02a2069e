import { apiWindow, formatApiWindow, type Route, routeList } from '@govctl/core/api';
import { durationMs } from '@govctl/core/policy';
import type { Domains } from './compose-domain.ts';
import type { Ground, Settings } from './compose-ground.ts';
import type { handlersOf } from './compose-handler.ts';
import { type FetchListener, openFetchListener } from './evidence/fetch-listener.ts';
import { readFetchTls } from './evidence/fetch-tls.ts';
import { deniedResolution } from './evidence/handler.ts';
import { createHttpServer, endpointsOf, type Handler, type HttpOptions, listenAt, localHosts, placeOf } from './http/index.ts';
import { apiKeyAuthenticator } from './identity/authenticate.ts';

type Served = Omit<HttpOptions, 'listeners'>;

/** Listens, where the configuration or a supervisor says. The last thing that is opened, and the first that is closed. */
export async function openListeners(
  opened: AsyncDisposableStack,
  ground: Ground,
  domains: Domains,
  handlers: ReturnType<typeof handlersOf>,
  activated: Settings['activated'] = {},
): Promise<{ readonly places: readonly string[]; readonly fetching: FetchListener | undefined }> {
  const { live, dir } = ground;
  const drainMs = () => durationMs(live.config.shutdown.drain);
  const served = servedBy(ground, domains, handlers);
  const fetching = await openFetching(ground, served);
  if (fetching !== undefined) {
    opened.defer(() => fetching.http.close(drainMs()));
    domains.address.public_url = live.config.evidence.public_url ?? fetching.url;
  }
  const endpoints = endpointsOf(live.config.listeners, activated, dir.socket);
  const servers = endpoints.map((endpoint) => ({
    endpoint,
    http: createHttpServer({ ...served, listeners: endpoint.serves, elsewhere: endpoint.elsewhere }),
  }));
  opened.defer(async () => {
    await Promise.all(servers.map(({ http }) => http.close(drainMs())));
  });
  for (const { endpoint, http } of servers) await listenAt(http, endpoint);
  return { places: endpoints.map(placeOf), fetching };
}

function servedBy(ground: Ground, { evidence, address }: Domains, handlers: ReturnType<typeof handlersOf>): Served {
  const { shared, logger, recently, metrics } = ground;
  return {
    routes: Object.fromEntries(Object.entries(routeList).filter(([name]) => name in handlers)),
    handlers: handlers as unknown as Readonly<Record<string, Handler<Route>>>,
    authenticator: apiKeyAuthenticator(shared.database),
    now: shared.now,
    logger,
    versionHeader: formatApiWindow(apiWindow),
    observer: {
      request(measure) {
        recently.noticed();
        metrics.http.request(measure);
      },
    },
    onRefusal: deniedResolution(evidence),
    allowedHosts: new Set([...localHosts, new URL(address.public_url).hostname]),
  };
}

async function openFetching({ live, dir }: Ground, served: Served): Promise<FetchListener | undefined> {
  const { fetch } = live.config.listeners;
  if (fetch === undefined) return undefined;
  const { host, port, tls } = fetch;
  const guardedBy = live.config.secrets.provider === 'systemd' ? 'systemd' : 'mode';
  return await openFetchListener(
    { host, port, ...(tls === undefined ? {} : { tls: () => readFetchTls(tls, dir.root, guardedBy) }) },
    served,
  );
}
