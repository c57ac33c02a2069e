import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Counts the flushes a process asks of the kernel while something is done; null where no tracer may be attached. */
export async function countSyncs(pid: number, folder: string, work: () => Promise<unknown>): Promise<number | null> {
  const output = join(folder, `sync-${pid}.txt`);
  const argv = ['-f', '-c', '-e', 'trace=fsync,fdatasync', '-o', output, '-p', String(pid)];
  const tracer = spawn('strace', argv, { stdio: 'ignore' });
  const failed = new Promise<boolean>((resolve) => tracer.once('error', () => resolve(true)));
  const ended = once(tracer, 'exit').catch(() => undefined);
  if (await Promise.race([failed, sleep(1000, false)])) return null;
  await work();
  if (tracer.exitCode !== null) return null;
  tracer.kill('SIGINT');
  await ended;
  const lines = readFileSync(output, 'utf8').split('\n');
  const calls = lines.filter((line) => /\bf(data)?sync$/.test(line)).map((line) => Number(line.trim().split(/\s+/)[3]));
  return calls.reduce((sum, one) => sum + one, 0);
}
