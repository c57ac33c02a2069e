import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineRoutes } from '@govctl/core/api';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { type Handler, Reply } from './handler.ts';
import { anyGrant, testActor } from './serve.fixture.ts';
import { createHttpServer, type HttpServer } from './server.ts';

const common = { method: 'POST', summary: 'for this test', action: 'test.write', listener: 'operator', problems: [] } as const;
const routes = defineRoutes({
  'test.parsed': { ...common, path: '/parsed', body: z.strictObject({ text: z.string() }) },
  'test.raw': { ...common, path: '/raw', raw: true },
});

let folder: string;
let http: HttpServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-deadline-'));
  const answer: Handler<(typeof routes)['test.parsed']> = async ({ body }) => new Reply(200, JSON.stringify(body));
  const drain: Handler<(typeof routes)['test.raw']> = async ({ raw }) => {
    let bytes = 0;
    for await (const chunk of raw) bytes += (chunk as Buffer).length;
    return new Reply(200, String(bytes));
  };
  http = createHttpServer({
    routes,
    handlers: { 'test.parsed': answer, 'test.raw': drain } as never,
    authenticator: { authenticate: async () => testActor(anyGrant) },
    now: () => new Date().toISOString(),
    logger: pino({ level: 'silent' }),
    versionHeader: '1',
    observer: { request() {} },
    listeners: new Set(['operator']),
    bodyDeadlineMs: 400,
  });
  await http.app.listen({ path: join(folder, 's') });
});
afterEach(async () => {
  await http.close(0);
  rmSync(folder, { recursive: true, force: true });
});

/** Sends the body byte by byte until it is through or the other side has ended. */
async function dribble(path: string, type: string, body: string): Promise<string> {
  const socket = connect(join(folder, 's'));
  // A connection that is ended before all was read may end with a reset, after the answer: what counts is what came before.
  socket.on('error', () => undefined);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: govd\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  let at = 0;
  const timer = setInterval(() => {
    if (at < body.length && socket.writable) socket.write(body[at] ?? '');
    at += 1;
  }, 40);
  await ended;
  clearInterval(timer);
  return Buffer.concat(chunks).toString();
}

it('a body that dribbles is answered at its deadline, and its connection ends', async () => {
  const answer = await dribble('/parsed', 'application/json', JSON.stringify({ text: 'x'.repeat(5000) }));
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer.toLowerCase()).toContain('connection: close');
  expect(answer).toContain('urn:govctl:problem:request-timeout');
});

it('an upload takes as long as it takes', async () => {
  expect(await dribble('/raw', 'application/octet-stream', 'x'.repeat(25))).toMatch(/^HTTP\/1\.1 200 [\s\S]*25$/);
});
