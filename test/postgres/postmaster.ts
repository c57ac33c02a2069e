import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from './home.ts';

/** What a server process is told: nothing of the machine's settings reaches it. */
export const serverEnvironment = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

const patience = 120_000;

export type Postmaster = {
  /** Sends a signal, and waits until the server is gone. */
  end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
};

/** Every process of a server has its data folder as working directory, and nobody else has. */
async function processesOf(data: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (/^\d+$/.test(name) && (await readlink(`/proc/${name}/cwd`).catch(() => '')) === data) found.push(Number(name));
  }
  return found;
}

/** The server tells its state in the last line of this file, as `pg_ctl` reads it: asking over a connection would need a user. */
async function isReady(home: Home, child: ChildProcess): Promise<boolean> {
  const lines = (await readFile(join(home.data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready';
}

/** Starts the server as a child of this process, and waits until it accepts connections: after a kill, until it has recovered. */
export async function launch(home: Home, binFolder: string, settings: Readonly<Record<string, string>>): Promise<Postmaster> {
  const log = openSync(home.logFile, 'a');
  const argv = ['-D', home.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const child = spawn(join(binFolder, 'postgres'), argv, {
    ...home.identity,
    cwd: '/',
    env: serverEnvironment,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const gone = once(child, 'exit').catch(() => undefined);
  // A program that forgets the server ends nevertheless, and the guard puts the server away.
  child.unref();

  const postmaster: Postmaster = {
    async end(signal) {
      child.ref();
      child.kill(signal);
      await gone;
      if (signal !== 'SIGKILL') return;
      // Its processes would notice, and end what they are at; a machine that loses power does not let them.
      for (let left = await processesOf(home.data); left.length > 0; left = await processesOf(home.data)) {
        for (const pid of left) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // ended meanwhile
          }
        }
        await sleep(20);
      }
    },
  };
  const deadline = Date.now() + patience;
  while (!(await isReady(home, child))) {
    const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    if (ended || Date.now() > deadline) {
      if (!ended) await postmaster.end('SIGKILL');
      const said = readFileSync(home.logFile, 'utf8').split('\n').slice(-20).join('\n');
      throw new Error(`PostgreSQL in ${home.data} ${ended ? 'did not start' : 'was not ready in time'}:\n${said}`);
    }
    await sleep(20);
  }
  return postmaster;
}
