import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import type { TestProject } from 'vitest/node';
import type { PostgresServer } from './server.ts';
import type { Answer } from './shared.ts';

/**
 * One server for all test files of a run, of both projects, started when the first of them asks: whoever runs a test that needs none
 * pays for a socket that listens. It is a child of vitest itself, because the workers come and go with their files; they ask over
 * an abstract socket, which leaves no file behind.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<PostgresServer> | undefined;
  const answer = async (): Promise<Answer> => {
    try {
      // Not loaded before somebody asks.
      server ??= import('./server.ts').then(({ startPostgres }) => startPostgres({ settings: { max_connections: 200 } }));
      const { port, socketFolder, superuser, password, passwordFile, version } = await server;
      return { address: { port, socketFolder, superuser, password, passwordFile, version } };
    } catch (error) {
      return { reason: (error as Error).message };
    }
  };
  const desk = createServer((socket) => {
    socket.on('error', () => undefined); // a worker that ended while it waited
    void answer().then((text) => socket.end(JSON.stringify(text)));
  });
  const name = `govctl-test-postgres-${randomBytes(8).toString('hex')}`;
  await new Promise<void>((resolve, reject) => desk.once('error', reject).listen(`\0${name}`, resolve));
  desk.unref();
  project.provide('sharedPostgres', name);
  return async () => {
    desk.close();
    await (await server?.catch(() => undefined))?.remove();
  };
}
