import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { apiWindow, apiWindowHeader, formatApiWindow, schemaVersion } from '@govctl/core/api';
import { Client } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';

/** Windows beside the one of this build. */
const older = { min: apiWindow.min - 1, max: apiWindow.min - 1 };
const newer = { min: apiWindow.max + 1, max: apiWindow.max + 3 };
const wider = { min: apiWindow.min - 1, max: apiWindow.max + 3 };

let at: Deployment;
beforeAll(async () => {
  at = await deploy({ kind: 'sqlite' });
  await at.start();
});
afterAll(() => at?.remove());

describe('this govctl against another govd', () => {
  const stub = async (window: typeof older): Promise<{ readonly server: Server; readonly socket: string }> => {
    const socket = join(at.folder, `stub-${formatApiWindow(window)}.sock`);
    const server = createServer((_request, response) => {
      response.setHeader(apiWindowHeader, formatApiWindow(window));
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          schemaVersion,
          kind: 'Version',
          version: '99.0.0',
          service_release_id: 'govd-99',
          api: window,
          kernel_version: '99',
          schema: 99,
          environment: 'dev',
          parity_contract: `sha256:${'0'.repeat(64)}`,
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    return { server, socket };
  };

  it.each([
    ['an older one', older, 6, /upgrade govd/],
    ['a newer one', newer, 6, /upgrade govctl/],
    ['one that speaks more, whatever its version is', wider, 0, /^$/],
  ] as const)('%s', async (_what, window, code, said) => {
    const { server, socket } = await stub(window);
    try {
      const ended = await at.govctl(['version', '--daemon', '--socket', socket, '-o', 'json']);
      expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(said)]);
      if (code !== 0)
        expect(JSON.parse(ended.stderr)).toMatchObject({ code: 'api-version', detail: expect.stringContaining(formatApiWindow(window)) });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe('this govd against another govctl', () => {
  const ask = async (window: string | undefined) => {
    const client = new Client('http://govd', { socketPath: at.socket });
    const key = (await readFile(join(at.state, 'keys', 'operator.apikey'), 'utf8')).trim();
    try {
      const answer = await client.request({
        method: 'POST',
        path: '/v1/keys/api',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          ...(window === undefined ? {} : { [apiWindowHeader]: window }),
        },
        body: JSON.stringify({
          actor_id: 'SYSTEM::etl',
          grants: [{ actions: ['promotion.request'], tenants: ['default'], datasets: ['*'] }],
        }),
      });
      return {
        status: answer.statusCode,
        speaks: answer.headers[apiWindowHeader],
        problem: (await answer.body.json()) as { code?: string; hint?: string },
      };
    } finally {
      await client.destroy();
    }
  };
  const keys = async () => (await at.json<{ items: unknown[] }>(['apikey', 'ls', '--all'])).items.length;

  it('one that shares no version is told which side to upgrade, and nothing is done', async () => {
    const before = await keys();
    expect(await ask(formatApiWindow(older))).toMatchObject({ status: 400, problem: { code: 'api-version', hint: 'upgrade govctl' } });
    expect(await ask(formatApiWindow(newer))).toMatchObject({
      status: 400,
      problem: { code: 'api-version', hint: expect.stringContaining('upgrade govd') },
    });
    expect(await keys()).toBe(before);
  });

  it('one that shares a version, says nothing, or says what is no window, is served', async () => {
    for (const window of [formatApiWindow(wider), undefined, 'v1', ''])
      expect(await ask(window)).toMatchObject({ status: 201, speaks: formatApiWindow(apiWindow) });
  });

  it('says its window at /version as it does with every answer', async () => {
    expect(JSON.parse((await at.http('GET', '/version')).body)).toMatchObject({ api: apiWindow });
    expect((await at.http('GET', '/v1/nowhere')).headers[apiWindowHeader]).toBe(formatApiWindow(apiWindow));
  });
});
