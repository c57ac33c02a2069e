import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { apiWindowHeader, Problem, schemaVersion } from '@govctl/core/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeTarget } from '../command.fixture.ts';
import type { Target } from '../context/target.ts';
import type { Client } from './client.ts';
import { connectProblem } from './connect-problem.ts';
import { createHttpClient, type HttpClientOptions } from './http-client.ts';

let folder: string;
let socket: string;
let server: Server | undefined;
let over: 'socket' | 'url';
let client: Client;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-client-'));
  socket = join(folder, 'govd.sock');
  over = 'socket';
});
afterEach(async () => {
  await client?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<void> {
  server = createServer((request, response) => {
    if (!response.hasHeader(apiWindowHeader)) response.setHeader(apiWindowHeader, '1-1');
    listener(request, response);
  });
  await listen();
}

async function listen(): Promise<void> {
  await new Promise<void>((resolve) => (over === 'socket' ? server?.listen(socket, resolve) : server?.listen(0, '127.0.0.1', resolve)));
}

/** TLS apart, which is Node's own in both, a URL is reached alike with and without it. */
function endpoint(): Target['endpoint'] {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? { url: `http://127.0.0.1:${address.port}` } : { socket };
}

function connect(options: Partial<HttpClientOptions> & { key?: string } = {}): Client {
  client = createHttpClient({
    target: { ...fakeTarget, endpoint: endpoint(), api_key_file: options.key ?? null },
    signal: new AbortController().signal,
    timeoutMs: undefined,
    ...options,
  });
  return client;
}

const version = {
  schemaVersion,
  kind: 'Version',
  version: '1.2.3',
  service_release_id: 'govd@1.2.3',
  api: { min: 1, max: 1 },
  kernel_version: '1',
  schema: 3,
  environment: 'local_parity',
  parity_contract: 'sha256:0',
};

describe.each(['socket', 'url'] as const)('over a %s', (way) => {
  beforeEach(() => {
    over = way;
  });

  describe('a call', () => {
    it('goes to the path of its route with the key, and comes back checked', async () => {
      const key = join(folder, 'key');
      await writeFile(key, 'govk_abc_secret\n');
      const seen: { url: string | undefined; authorization: string | undefined; trace: unknown }[] = [];
      await serve((request, response) => {
        seen.push({ url: request.url, authorization: request.headers.authorization, trace: request.headers.traceparent });
        response.end(
          JSON.stringify(
            request.url === '/version' ? version : { schemaVersion, kind: 'PromotionList', items: [], next_cursor: null, added_later: 1 },
          ),
        );
      });
      const govd = connect({ key });
      expect(await govd.call('system.version')).toEqual(version);
      expect(await govd.call('promotion.ls', { query: { limit: 5, dataset_id: 'orders' } })).toEqual({
        schemaVersion,
        kind: 'PromotionList',
        items: [],
        next_cursor: null,
      });
      expect(seen).toEqual([
        // An open route needs no credentials, and gets none.
        { url: '/version', authorization: undefined, trace: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) },
        { url: '/v1/promotions?limit=5&dataset_id=orders', authorization: 'Bearer govk_abc_secret', trace: expect.anything() },
      ]);
    });

    it('encodes names, so that they stay names', async () => {
      let url: string | undefined;
      await serve((request, response) => {
        url = request.url;
        response.statusCode = 404;
        response.setHeader('content-type', 'application/problem+json');
        response.end(JSON.stringify(new Problem('not-found', { detail: 'no run', hint: 'govctl promotion ls' }).toDocument('req-1')));
      });
      await expect(connect().call('promotion.get', { params: { run_id: '../../healthz?x#y' } })).rejects.toMatchObject({
        code: 'not-found',
        message: 'no run',
        hint: 'govctl promotion ls',
        requestId: 'req-1',
      });
      expect(url).toBe('/v1/promotions/..%2F..%2Fhealthz%3Fx%23y');
    });

    it('refuses an answer that is not what was agreed', async () => {
      await serve((_request, response) => response.end(JSON.stringify({ ...version, schema: 'three' })));
      await expect(connect().call('system.version')).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining('schema'),
      });
    });

    it('understands a problem it does not know by its status', async () => {
      await serve((_request, response) => {
        response.statusCode = 429;
        response.setHeader('content-type', 'application/problem+json');
        response.end('{"code":"brand-new","detail":"later","status":429}');
      });
      await expect(connect().call('promotion.ls', { query: {} })).rejects.toMatchObject({ code: 'too-many-requests', message: 'later' });
    });

    it('takes the document of a route that answers it with another status', async () => {
      await serve((_request, response) => {
        response.statusCode = 503;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ schemaVersion, kind: 'Readiness', ready: false, checks: [] }));
      });
      expect(await connect().call('system.ready')).toMatchObject({ ready: false });
    });
  });

  describe('API versions', () => {
    it.each([
      ['2-3', 'upgrade govctl'],
      ['0-0', 'upgrade govd'],
    ])('a daemon that speaks %s is incompatible', async (window, hint) => {
      await serve((_request, response) => {
        response.setHeader(apiWindowHeader, window);
        response.end(JSON.stringify(version));
      });
      await expect(connect().call('system.version')).rejects.toMatchObject({ code: 'api-version', hint: expect.stringContaining(hint) });
    });

    it('a newer daemon that still speaks ours is fine', async () => {
      await serve((_request, response) => {
        response.setHeader(apiWindowHeader, '1-9');
        response.end(JSON.stringify(version));
      });
      expect(await connect().call('system.version')).toMatchObject({ version: '1.2.3' });
    });

    it('what does not say its version is not govd', async () => {
      server = createServer((_request, response) => response.end('<html>hello</html>'));
      await listen();
      await expect(connect().call('system.version')).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringContaining('not govd'),
      });
    });
  });

  describe('trouble on the way', () => {
    it('a daemon that says nothing: timeout', async () => {
      await serve(() => {});
      await expect(connect({ timeoutMs: 50 }).call('system.version')).rejects.toMatchObject({ code: 'timeout' });
    });

    it('a daemon that dies in the middle: unreachable', async () => {
      await serve((request) => request.socket.destroy());
      await expect(connect().call('system.version')).rejects.toMatchObject({ code: 'unreachable' });
    });

    it('Ctrl-C: cancelled', async () => {
      const stop = new AbortController();
      await serve(() => stop.abort());
      await expect(connect({ signal: stop.signal }).call('system.version')).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('a key file that holds no key is not sent', async () => {
      const key = join(folder, 'key');
      await writeFile(key, 'two\nlines');
      await serve((_request, response) => response.end('{}'));
      await expect(connect({ key }).call('promotion.ls', { query: {} })).rejects.toMatchObject({ code: 'usage' });
    });
  });

  describe('an upload', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const upload = (bytes: Uint8Array[], length: number) =>
      connect().upload('object.put', { params: { digest } }, { body: Readable.from(bytes), length });

    it('arrives whole', async () => {
      let received = 0;
      await serve(async (request, response) => {
        for await (const chunk of request) received += (chunk as Buffer).length;
        response.end(JSON.stringify({ schemaVersion, kind: 'Object', digest, size: received, created: true }));
      });
      const million = new Uint8Array(1_000_000);
      await upload([million, million, million], 3_000_000);
      expect(received).toBe(3_000_000);
    });

    it.each([
      ['shrinks', 2],
      ['grows', 4],
    ])('of a file that %s meanwhile is refused', async (_how, size) => {
      await serve((request) => request.resume());
      await expect(upload([new Uint8Array(size)], 3)).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining('changed its length'),
      });
    });
  });

  describe('streams', () => {
    it('reads events as they come, across chunks', async () => {
      await serve((_request, response) => {
        response.setHeader('content-type', 'text/event-stream');
        const text = ': hello\n\nid: 1\nevent: run.completed\ndata: {"a":"é"}\n\ndata: {"b":\ndata: 2}\r\nid: 2\r\n\r\n: beat\n\n';
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length; at += 3) response.write(bytes.subarray(at, at + 3));
        response.end();
      });
      const events = [];
      for await (const event of connect().events('event.stream', { query: {} })) events.push(event);
      expect(events).toEqual([
        { id: '1', event: 'run.completed', data: { a: 'é' } },
        { id: '2', event: 'message', data: { b: 2 } },
      ]);
    });

    it('a connection lost in the middle of events is unreachable', async () => {
      await serve((_request, response) => {
        response.write('data: {}\n\n');
        setTimeout(() => response.destroy(), 20);
      });
      const read = async () => {
        for await (const _event of connect().events('event.stream', { query: {} })) {
          // Until it breaks.
        }
      };
      await expect(read()).rejects.toMatchObject({ code: 'unreachable' });
    });

    it('a capability URL is fetched without our key', async () => {
      const key = join(folder, 'key');
      await writeFile(key, 'govk_abc_secret\n');
      let seen: { url: string | undefined; authorization: string | undefined } | undefined;
      await serve((request, response) => {
        seen = { url: request.url, authorization: request.headers.authorization };
        response.end('bytes');
      });
      const { body } = await connect({ key }).fetchCapability('http://govd/v1/evidence/fetch?cap=x.y.z');
      const chunks = [];
      for await (const chunk of body) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe('bytes');
      expect(seen).toEqual({ url: '/v1/evidence/fetch?cap=x.y.z', authorization: undefined });
    });
  });
});

describe('the way there', () => {
  it('no socket: not started', async () => {
    await expect(connect().call('system.version')).rejects.toMatchObject({ code: 'not-started', hint: `govd run --state-dir ${folder}` });
  });

  it('a socket nobody listens on: stale', async () => {
    await serve(() => {});
    const listening = server;
    // Killed, not closed: the file stays.
    const { spawnSync } = await import('node:child_process');
    await new Promise((resolve) => listening?.close(resolve));
    server = undefined;
    spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    await expect(connect().call('system.version')).rejects.toMatchObject({ code: 'stale-socket' });
  });

  it('a file that is no socket: usage', async () => {
    await writeFile(socket, '');
    await expect(connect().call('system.version')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('not a socket'),
    });
  });

  it('no permission: says which group, and that it takes a new login', async () => {
    const denied = Object.assign(new Error('connect EACCES'), { code: 'EACCES' });
    const packaged = await connectProblem(denied, { ...fakeTarget, endpoint: { socket: '/run/govd/govd.sock' } });
    expect(packaged).toMatchObject({ code: 'not-permitted', hint: expect.stringMatching(/usermod .*log in again/) });
    expect(await connectProblem(denied, { ...fakeTarget, endpoint: { socket } })).toMatchObject({
      code: 'not-permitted',
      hint: expect.stringContaining(`ls -l ${socket}`),
    });
  });

  it('a certificate that does not fit is told apart from a closed door', async () => {
    const target = { ...fakeTarget, endpoint: { url: 'https://govd.example' } };
    const wrong = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(await connectProblem(wrong, target)).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('does not prove who it is'),
    });
    const unknown = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    expect(await connectProblem(unknown, target)).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('cannot be resolved'),
    });
  });

  it('a URL nobody listens at', async () => {
    const govd = connect({ target: { ...fakeTarget, endpoint: { url: 'https://127.0.0.1:1' } } });
    await expect(govd.call('system.version')).rejects.toMatchObject({ code: 'not-started' });
  });
});
