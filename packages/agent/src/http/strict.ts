import type { IncomingMessage } from 'node:http';
import { Problem } from '@govctl/core/api';

const onlyOnce = new Set(['host', 'authorization', 'content-length', 'content-type', 'idempotency-key']);
/** Host names that mean this machine; `govd` is what a client says over the unix socket. */
export const localHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', 'govd']);

/**
 * What Node's parser lets through and a local API must not: requests a browser makes on somebody's behalf (Origin, a foreign
 * Host: DNS rebinding), two answers to one question (duplicate Host or Authorization), proxies' forms and tunnels.
 *
 * @throws Problem `invalid-request`
 */
export function assertStrictHttp(request: IncomingMessage, allowedHosts: ReadonlySet<string> = localHosts): void {
  const refuse = (detail: string, hint?: string): never => {
    throw new Problem('invalid-request', { detail, ...(hint === undefined ? {} : { hint }) });
  };
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') refuse('only HTTP/1.1 is served');
  const seen = new Set<string>();
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? '').toLowerCase();
    if (seen.has(name) && onlyOnce.has(name)) refuse(`the header ${name} came twice`);
    seen.add(name);
  }
  if (seen.has('origin')) refuse('requests with an Origin header are refused: this API is not for browsers');
  if (seen.has('upgrade')) refuse('upgrades are not served');
  if (seen.has('content-encoding')) refuse('compressed bodies are not accepted');
  const url = request.url ?? '';
  if (!url.startsWith('/')) refuse('the request target must be a path');
  if (url.includes('#')) refuse('a fragment is never sent to a server');
  const path = url.split('?', 1)[0] ?? '';
  if (/%2f|%5c|%00|\\/i.test(path) || /\/(\.|%2e){1,2}(\/|$)/i.test(path))
    refuse('a name in the path has a slash or is a dot: that is no id', 'give the id of what you ask for, not a file');
  const host = request.headers.host;
  if (host === undefined) refuse('the Host header is missing');
  else if (!allowedHosts.has(host.replace(/:\d+$/, '').toLowerCase())) refuse('the Host header names another server');
}
