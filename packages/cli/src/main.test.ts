import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiWindowHeader } from '@govctl/core/api';
import { expect, it } from 'vitest';

const main = join(import.meta.dirname, 'main.ts');

type Ended = { readonly code: number | null; readonly signal: string | null; readonly stdout: string; readonly stderr: string };

/** The program as a process of its own: what only shows with real pipes and signals. */
function start(argv: readonly string[], options: { env?: Record<string, string>; stdin?: 'ignore' | 'pipe'; readBytes?: number } = {}) {
  const child = spawn(process.execPath, [main, ...argv], {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    // A reader that has enough and goes away, as head does.
    if (options.readBytes !== undefined && stdout.length >= options.readBytes) child.stdout?.destroy();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
  return { child, ended, stderr: () => stderr };
}

async function withDaemon<T>(answer: (socket: string) => Promise<T>, listener: Parameters<typeof createServer>[1]): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'govctl-main-'));
  const server = createServer((request, response) => {
    response.setHeader(apiWindowHeader, '1-1');
    listener?.(request, response as never);
  });
  const socket = join(folder, 's');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    return await answer(socket);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
}

const keys = (count: number) =>
  JSON.stringify({
    schemaVersion: 'govctl/v1',
    kind: 'ApiKeyList',
    items: Array.from({ length: count }, (_, index) => ({
      key_id: String(index).padStart(12, '0'),
      actor_id: 'HUMAN::ada',
      grants: [],
      created_at: '2026-11-21T03:00:00.000Z',
      created_by: 'x',
      expires_at: null,
      revoked_at: null,
      revoked_by: null,
    })),
  });

it('a long result through a pipe arrives whole', async () => {
  const { stdout, code } = await withDaemon(
    (socket) => start(['apikey', 'ls', '-o', 'json', '--socket', socket]).ended,
    (_request, response) => response.end(keys(20_000)),
  );
  expect(code).toBe(0);
  expect(stdout.length).toBeGreaterThan(3_000_000);
  expect(JSON.parse(stdout).items).toHaveLength(20_000);
});

it('a reader that goes away is no error: no stack, nothing on standard error', async () => {
  const ended = await withDaemon(
    (socket) => start(['apikey', 'ls', '-o', 'json', '--socket', socket], { readBytes: 100 }).ended,
    (_request, response) => response.end(keys(20_000)),
  );
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

it('a stream nobody reads any more ends by itself', async () => {
  const ended = await withDaemon(
    (socket) => start(['event', 'tail', '-f', '-o', 'ndjson', '--socket', socket], { readBytes: 10 }).ended,
    (_request, response) => {
      const timer = setInterval(() => response.write('id: 1\ndata: {"position":"1"}\n\n'), 5);
      response.on('close', () => clearInterval(timer));
    },
  );
  expect(ended).toMatchObject({ code: 0, stderr: '' });
});

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a waiting command with %i', async (signal, code) => {
  const ended = await withDaemon(
    async (socket) => {
      const { child, ended } = start(['event', 'tail', '-f', '--socket', socket]);
      child.stdout?.once('data', () => child.kill(signal));
      return ended;
    },
    (_request, response) => response.write('id: 1\ndata: {"position":"1","type":"run.completed"}\n\n'),
  );
  expect(ended.code).toBe(code);
  expect(ended.stderr).toContain('error[cancelled]');
});

it('closed standard input never hangs a question, nor a read', async () => {
  expect(await start(['apikey', 'revoke', '0123456789ab', '--reason', 'lost']).ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--confirm'),
  });
  expect(await start(['config', 'validate', '-']).ended).toMatchObject({ code: 2 });
});

it('says what to do when nothing runs, and exits 5', async () => {
  const { code, stdout, stderr } = await start(['status', '--socket', '/nonexistent/govd.sock']).ended;
  expect(code).toBe(5);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error\[not-started\]: .*\nwhy: .*\ndocs: .*\nfix: govd run --state-dir \/nonexistent\n$/);
});

it('help is on standard output, a usage error on standard error', async () => {
  expect(await start(['--help']).ended).toMatchObject({ code: 0, stdout: expect.stringContaining('status'), stderr: '' });
  expect(await start(['help', 'exit-codes', '-o', 'name']).ended).toMatchObject({ code: 0, stderr: '' });
  expect(await start(['help', 'nonsense']).ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('nonsense') });
  expect(await start(['statu']).ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('did you mean status?') });
});
