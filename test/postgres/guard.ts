import { spawn } from 'node:child_process';
import type { Home } from './home.ts';

/**
 * Puts a server away when the process that started it is gone, however it went: workers of an interrupted vitest get SIGTERM, then
 * SIGKILL, and no exit hook of theirs ever runs. Its standard input ends when this process does. The working directory proves that the
 * pid in the file is this very server and not somebody who got its number later. SIGQUIT first: only then the server gives its shared
 * memory back.
 */
const script = `
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
runs() { [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; }
if runs "$1"; then kill -QUIT "$pid"; fi
for _ in $(seq 100); do runs "$1" || break; sleep 0.1; done
if runs "$1"; then kill -KILL "$pid"; fi
for _ in $(seq 100); do rm -rf "$1" && break; sleep 0.1; done
`;

/** Watches over a server's folder from now on. Calling the result removes the folder at once; nothing may run there then. */
export function guard(home: Home): () => Promise<void> {
  // A session of its own: Ctrl-C in a terminal must not reach it.
  const child = spawn('/bin/sh', ['-c', script, 'guard', home.folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const gone = new Promise<void>((resolve, reject) => {
    child.on('exit', () => resolve());
    child.on('error', reject);
  });
  gone.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as { unref?(): void }).unref?.();
  return async () => {
    child.ref();
    child.stdin.end();
    await gone;
  };
}
