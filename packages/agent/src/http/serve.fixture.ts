import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Route } from '@govctl/core/api';
import type { Actor, Grant } from '@govctl/core/identity';
import { pino } from 'pino';
import type { Handler, Handlers } from './handler.ts';
import { createHttpServer } from './server.ts';

export const anyGrant: Grant = { actions: ['*'], tenants: ['*'], datasets: ['*'] };

export function testActor(...grants: Grant[]): Actor {
  return { actor_id: 'HUMAN::ada', source_type: 'HUMAN', authenticated_by: 'api-key:test', grants };
}

type Answer = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: Record<string, unknown>;
};
type Asked = {
  readonly body?: unknown;
  readonly bytes?: Uint8Array | Readable;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Served = {
  /** Whoever asks from now on. */
  actor: Actor;
  open(method: string, path: string, asked?: Asked): Promise<IncomingMessage>;
  request(method: string, path: string, asked?: Asked): Promise<Answer>;
  close(): Promise<void>;
};

/** Serves some routes on a unix socket of its own, by the real server; only who asks is made up. */
export async function serve<const R extends Record<string, Route>>(
  routes: R,
  handlers: Handlers<R>,
  now: () => string = () => new Date().toISOString(),
): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'govctl-http-'));
  const socketPath = join(folder, 's');
  const served = { actor: testActor(anyGrant) };
  const http = createHttpServer({
    routes,
    handlers: handlers as unknown as Readonly<Record<string, Handler<Route>>>,
    authenticator: { authenticate: async () => served.actor },
    now,
    logger: pino({ level: 'silent' }),
    versionHeader: '1',
    observer: { request() {} },
    listeners: new Set(['operator', 'admin', 'public', 'internal']),
  });
  await http.app.listen({ path: socketPath });

  const open: Served['open'] = (method, path, { body, bytes, headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const type: Record<string, string> =
        text !== undefined
          ? { 'content-type': 'application/json' }
          : bytes !== undefined
            ? { 'content-type': 'application/octet-stream' }
            : {};
      const outgoing = send({ socketPath, method, path, agent: false, headers: { host: 'govd', ...type, ...headers } }, resolve);
      outgoing.on('error', reject);
      if (bytes instanceof Readable) bytes.on('error', (error) => outgoing.destroy(error)).pipe(outgoing);
      else outgoing.end(text ?? bytes);
    });

  return Object.assign(served, {
    open,
    async request(method: string, path: string, asked?: Asked) {
      const response = await open(method, path, asked);
      const text = Buffer.concat(await response.toArray()).toString();
      const isJson = /json/.test(response.headers['content-type'] ?? '') && text !== '';
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
      };
    },
    async close() {
      await http.close(1000);
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
