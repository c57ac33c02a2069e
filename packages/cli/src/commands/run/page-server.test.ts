import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type PageServer, servePage } from './page-server.ts';

const page = `<!doctype html><title>receipt</title>${'x'.repeat(200_000)}`;
let server: PageServer | undefined;
afterEach(async () => await server?.close());

type Answer = { readonly status: number; readonly body: string; readonly headers: Readonly<Record<string, unknown>> };

function ask(url: string, { method = 'GET', host, path }: { method?: string; host?: string; path?: string } = {}): Promise<Answer> {
  const to = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: to.hostname, port: to.port, path: path ?? to.pathname, method, headers: host === undefined ? {} : { host } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers }),
        );
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

const settled = async (promise: Promise<unknown>) =>
  (await Promise.race([promise.then(() => true), new Promise((r) => setTimeout(() => r(false), 50))])) === true;

describe('a page that is served once', () => {
  it('is at an address nobody can guess, on loopback, with its policy', async () => {
    server = await servePage(page);
    const other = await servePage(page);
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
    expect(new URL(other.url).pathname).not.toBe(new URL(server.url).pathname);
    await other.close();
    const got = await ask(server.url);
    expect([got.status, got.body]).toEqual([200, page]);
    expect(got.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    await server.fetched;
  });

  it('is not there for another name, path or method, and these end nothing', async () => {
    server = await servePage(page);
    const { port, pathname } = new URL(server.url);
    for (const wrong of [
      { host: 'evil.example' },
      { host: `evil.example:${port}` },
      { host: '127.0.0.1' },
      { path: '/' },
      { path: `${pathname}/` },
      { path: `${pathname}?x=1` },
      { path: `/${'0'.repeat(32)}` },
      { path: '/favicon.ico' },
      { method: 'POST' },
      { method: 'OPTIONS' },
    ])
      expect(await ask(server.url, wrong), JSON.stringify(wrong)).toMatchObject({ status: 404, body: '' });
    expect(await ask(server.url, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect(await settled(server.fetched)).toBe(false);
    expect((await ask(server.url, { host: `localhost:${port}` })).status).toBe(200);
    await server.fetched;
  });

  it('that did not arrive whole can be fetched again', async () => {
    server = await servePage(page.repeat(40));
    const { port, pathname } = new URL(server.url);
    const half = connect(Number(port), '127.0.0.1');
    await new Promise<void>((resolve) => {
      half.once('data', () => {
        half.destroy();
        resolve();
      });
      half.write(`GET ${pathname} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
    });
    expect(await settled(server.fetched)).toBe(false);
    expect((await ask(server.url)).body.length).toBe(page.length * 40);
    await server.fetched;
  });

  it('ends although somebody stays connected', async () => {
    server = await servePage(page);
    const idle = connect(Number(new URL(server.url).port), '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const closed = new Promise((resolve) => idle.once('close', resolve));
    await server.close();
    await closed;
  });
});
