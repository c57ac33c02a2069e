import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { cookieName, endWithCookie, tickNow } from './proc.ts';

/** A process that left its group, as what a step leaves behind does. */
async function started(cookie: string) {
  const child = spawn('sh', ['-c', 'echo up; exec sleep 60'], {
    detached: true,
    env: { ...process.env, [cookieName]: cookie },
    stdio: 'pipe',
  });
  await once(child.stdout, 'data');
  return child;
}

it('ends what carries the cookie and started since, and nothing else', async () => {
  const cookie = `test/${process.pid}`;
  const before = await started(cookie);
  // A tick later: what started in this very one is taken for what started since.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const since = tickNow();
  const ours = await started(cookie);
  const other = await started(`${cookie}/other`);
  const gone = once(ours, 'exit');
  expect(await endWithCookie((found) => found === cookie, since)).toBe(1);
  expect(await gone).toEqual([null, 'SIGKILL']);
  expect([before, other].map(({ exitCode, signalCode }) => [exitCode, signalCode])).toEqual([
    [null, null],
    [null, null],
  ]);
  // Whoever does not know since when looks at all.
  expect(await endWithCookie((found) => found.startsWith(cookie))).toBe(2);
});
