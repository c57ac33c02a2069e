import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from '../harness.ts';
import { requestText, sendRaw } from './wire.ts';

let at: Deployment;
let daemon: ChildProcess;
let authorization: string;
beforeAll(async () => {
  at = await deploy();
  daemon = await at.start();
  authorization = `authorization: Bearer ${(await readFile(join(at.state, 'keys', 'operator.apikey'), 'utf8')).trim()}`;
});
afterAll(async () => {
  // Whatever came, it was this process that answered it.
  expect([daemon.exitCode, daemon.signalCode]).toEqual([null, null]);
  expect((await at.http('GET', '/readyz')).status).toBe(200);
  expect(await at.log()).not.toMatch(/"level":(50|60)/);
  await at.remove();
});

const json = 'content-type: application/json';
const post = (body: string | Uint8Array, ...headers: string[]) =>
  requestText('POST', '/v1/promotions', [authorization, json, ...headers], body);
const raw = (text: string) => sendRaw(at.socket, text.replaceAll('AUTH', authorization));

describe('what Node reads and govd does not', () => {
  it.each([
    ['two Host headers', 'GET /v1/promotions HTTP/1.1\r\nhost: govd\r\nhost: evil\r\nAUTH\r\n\r\n'],
    ['two Authorization headers', 'GET /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\nauthorization: Bearer other\r\n\r\n'],
    ['another Host', 'GET /v1/promotions HTTP/1.1\r\nhost: evil.example\r\nAUTH\r\n\r\n'],
    ['no Host', 'GET /v1/promotions HTTP/1.1\r\nAUTH\r\n\r\n'],
    ['an Origin', 'GET /v1/promotions HTTP/1.1\r\nhost: govd\r\norigin: https://evil.example\r\nAUTH\r\n\r\n'],
    ['an absolute target', 'GET http://govd/v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['an absolute target elsewhere', 'GET http://evil.example/v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['HTTP/0.9', 'GET /v1/promotions\r\n\r\n'],
    ['HTTP/2 in clear', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['another HTTP', 'GET /v1/promotions HTTP/3.7\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['an encoded slash', 'GET /v1/promotions%2Fx HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['an encoded backslash', 'GET /v1/promotions/%5c..%5cx HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['dot segments', 'GET /v1/promotions/../../etc/passwd HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['encoded dot segments', 'GET /v1/promotions/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['an encoded NUL', 'GET /v1/promotions/a%00b HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['a broken escape', 'GET /v1/promotions/%zz HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    ['escapes that are no UTF-8', 'GET /v1/promotions/%ff%fe HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n'],
    [
      'length and chunks',
      'POST /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'POST /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'],
    ['a negative length', 'POST /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\ncontent-length: -1\r\n\r\n'],
    ['an odd transfer coding', 'POST /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a folded header', 'GET /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\nx: a\r\n b\r\n\r\n'],
    ['a space before the colon', 'GET /v1/promotions HTTP/1.1\r\nhost : govd\r\nAUTH\r\n\r\n'],
    ['a NUL in a header', 'GET /v1/promotions HTTP/1.1\r\nhost: govd\r\nx: a\0b\r\nAUTH\r\n\r\n'],
    ['bare line feeds', 'GET /v1/promotions HTTP/1.1\nhost: govd\n\n'],
    ['an upgrade', 'GET /v1/promotions HTTP/1.1\r\nhost: govd\r\nconnection: upgrade\r\nupgrade: websocket\r\nAUTH\r\n\r\n'],
  ])('refuses %s', async (_what, text) => {
    const answer = await raw(text);
    // No answer at all is an answer too, as long as the connection ends.
    expect(answer.status === 400 || (answer.status === 0 && answer.closed), answer.text).toBe(true);
    expect(answer.text).not.toContain('PromotionList');
  });

  it.each(['TRACE', 'CONNECT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'BREW'])('serves no %s', async (method) => {
    const answer = await raw(
      `${method} ${method === 'CONNECT' ? 'evil.example:443' : '/v1/promotions'} HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n`,
    );
    expect([0, 400, 404, 405]).toContain(answer.status);
    expect(answer.status !== 0 || answer.closed).toBe(true);
  });

  it('refuses headers without end', async () => {
    const answer = await raw(`GET /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`);
    expect(answer.status).toBe(431);
  });

  it('answers what comes after a refusal on the same connection as a request of its own, or not at all', async () => {
    const smuggled = 'GET /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\n\r\n';
    const answer = await raw(
      `POST /v1/promotions HTTP/1.1\r\nhost: govd\r\nAUTH\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ncontent-length: ${smuggled.length}\r\n\r\n0\r\n\r\n${smuggled}`,
    );
    expect(answer.text).not.toContain('PromotionList');
  });
});

describe('bodies', () => {
  it('that are too large are refused before they are sent', async () => {
    const answer = await sendRaw(
      at.socket,
      `POST /v1/births HTTP/1.1\r\nhost: govd\r\n${authorization}\r\n${json}\r\ncontent-length: ${1024 ** 3}\r\n\r\n`,
    );
    expect(answer.status).toBe(413);
  });

  it('that grow too large in chunks are cut off', async () => {
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const answer = await sendRaw(
      at.socket,
      `POST /v1/births HTTP/1.1\r\nhost: govd\r\n${authorization}\r\n${json}\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(40)}`,
    );
    expect([413, 0]).toContain(answer.status);
    expect(answer.status === 413 || answer.closed).toBe(true);
  });

  it('of strangers are not read at all', async () => {
    const answer = await sendRaw(at.socket, `POST /v1/promotions HTTP/1.1\r\nhost: govd\r\n${json}\r\ncontent-length: 1000000\r\n\r\n`);
    expect(answer.status).toBe(401);
  });

  it.each([
    ['gzip', gzipSync('{}')],
    ['deflate', Buffer.from('{}')],
    ['identity, gzip', Buffer.from('{}')],
  ])('compressed as %s are refused', async (coding, body) => {
    expect((await sendRaw(at.socket, post(body, `content-encoding: ${coding}`))).status).toBe(400);
  });

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', 'x'])(
    'of the type %s are refused',
    async (type) => {
      const answer = await sendRaw(at.socket, requestText('POST', '/v1/promotions', [authorization, `content-type: ${type}`], '{}'));
      expect([400, 415]).toContain(answer.status);
    },
  );

  it.each([
    ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`],
    ['100,000 levels', '['.repeat(100_000)],
    ['a name twice', '{"run_id":"a","run_id":"b"}'],
    ['__proto__', '{"__proto__":{"run_id":"x"}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"admin":true}}}'],
    ['an integer beyond 2^53', '{"run_id":12345678901234567890}'],
    ['a number beyond doubles', '{"run_id":1e999}'],
    ['a lone surrogate', '{"run_id":"\\ud800"}'],
    ['what is no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a byte order mark', '\ufeff{}'],
    ['nothing', ''],
    ['null', 'null'],
    ['an array', '[]'],
    ['NaN', 'NaN'],
  ])('with %s are refused as the caller’s fault', async (_what, body) => {
    const answer = await sendRaw(at.socket, post(body));
    expect(answer.status, answer.text).toBe(400);
    expect(answer.text).toContain('urn:govctl:problem:invalid-request');
  });
});

describe('connections', () => {
  it('that send their headers drop by drop are ended', async () => {
    const socket = connect(at.socket);
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.resume();
    socket.write('GET /healthz HTTP/1.1\r\nhost: govd\r\n');
    const drops = setInterval(() => socket.writable && socket.write('x: y\r\n'), 250);
    await closed;
    clearInterval(drops);
  });

  it('are bounded: 600 idle ones leave the daemon alive, and it serves again when they are gone', async () => {
    const idle: Socket[] = [];
    for (let n = 0; n < 600; n += 1) {
      const socket = connect(at.socket);
      socket.on('error', () => undefined);
      idle.push(socket);
    }
    await sleep(1000);
    // Over the bound a connection is closed at once instead of waiting for ever.
    expect(idle.filter((socket) => socket.closed || socket.destroyed || socket.readyState !== 'open').length).toBeGreaterThan(0);
    for (const socket of idle) socket.destroy();
    await expect.poll(async () => (await at.http('GET', '/healthz').catch(() => undefined))?.status, { timeout: 60_000 }).toBe(200);
  });
});
