import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineRoutes } from '@govctl/core/api';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Endpoint, endpointsOf, listenAt, placeOf } from './endpoint.ts';
import { type Handler, Reply } from './handler.ts';
import { anyGrant, testActor } from './serve.fixture.ts';
import { createHttpServer, type HttpServer } from './server.ts';

const common = { method: 'GET', summary: 'for this test', action: 'test.read', problems: [] } as const;
const routes = defineRoutes({
  'test.work': { ...common, path: '/work', listener: 'operator' },
  'test.grant': { ...common, path: '/grant', listener: 'admin' },
});

let folder: string;
const servers: HttpServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-endpoint-'));
});
afterEach(async () => {
  for (const each of servers.splice(0)) await each.close(0);
  rmSync(folder, { recursive: true, force: true });
});

async function serve(endpoint: Endpoint): Promise<void> {
  const answer: Handler<(typeof routes)['test.work']> = async () => new Reply(200, 'done');
  const http = createHttpServer({
    routes,
    handlers: { 'test.work': answer, 'test.grant': answer } as never,
    authenticator: { authenticate: async () => testActor(anyGrant) },
    now: () => new Date().toISOString(),
    logger: pino({ level: 'silent' }),
    versionHeader: '1',
    observer: { request() {} },
    listeners: endpoint.serves,
    elsewhere: endpoint.elsewhere,
  });
  servers.push(http);
  await listenAt(http, endpoint);
}

function get(socketPath: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false, headers: { host: 'govd' } }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(await response.toArray()).toString() });
    });
    asked.on('error', reject).end();
  });
}

const configured = (admin?: { socket: string; mode: string }) => ({
  operator: { mode: '0660', socket: join(folder, 'operator') },
  ...(admin === undefined ? {} : { admin }),
});

it('one socket serves everything, with its mode', async () => {
  const [only, ...others] = endpointsOf(configured(), {}, '/unused');
  expect(others).toEqual([]);
  if (only !== undefined) await serve(only);
  expect(statSync(join(folder, 'operator')).mode & 0o777).toBe(0o660);
  expect(await get(join(folder, 'operator'), '/work')).toMatchObject({ status: 200 });
  expect(await get(join(folder, 'operator'), '/grant')).toMatchObject({ status: 200 });
});

it('with an admin socket, who may do what is said there alone, and the other one tells where', async () => {
  for (const endpoint of endpointsOf(configured({ socket: join(folder, 'admin'), mode: '0600' }), {}, '/unused')) await serve(endpoint);
  expect(await get(join(folder, 'admin'), '/work')).toMatchObject({ status: 200 });
  expect(await get(join(folder, 'admin'), '/grant')).toMatchObject({ status: 200 });
  expect(await get(join(folder, 'operator'), '/work')).toMatchObject({ status: 200 });
  const refused = await get(join(folder, 'operator'), '/grant');
  expect(refused.status).toBe(403);
  expect(refused.body).toContain('govctl context ls');
});

it('a socket that was handed over takes the place of the configured one', () => {
  const endpoints = endpointsOf(configured(), { operator: 3, admin: 4 }, '/unused');
  expect(endpoints.map(placeOf)).toEqual(['operator socket of systemd', 'admin socket of systemd']);
  expect(endpoints.map(({ at }) => at)).toEqual([{ fd: 3 }, { fd: 4 }]);
  expect(endpoints.map(({ serves }) => serves.has('admin'))).toEqual([false, true]);
});
