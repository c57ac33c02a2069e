import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** What marks every process of a step, and what it starts: the variable is inherited, also by what leaves the process group. */
export const cookieName = 'GOVCTL_STEP_ID';

/**
 * When a process was started, told so that no other process is ever told alike: the boot and the tick of it. Null where there is no such process.
 */
export async function startOf(pid: number): Promise<string | null> {
  try {
    const [boot, line] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readFile(`/proc/${pid}/stat`, 'utf8')]);
    const { state, tick } = readStat(line);
    // A zombie does nothing any more.
    return state === 'Z' || tick === undefined ? null : `${boot.trim()}/${tick}`;
  } catch {
    return null;
  }
}

/** The name of a program may hold anything, brackets and spaces too: fields count from the last bracket. */
function readStat(line: string): { readonly state: string | undefined; readonly tick: string | undefined } {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], tick: fields[19] };
}

/** What starts from now on started at this tick or later: hundredths of a second since boot, whatever the clock does. */
export function tickNow(): number {
  // One less: the kernel rounds here and there on its own.
  return Math.floor(Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 100) - 1;
}

/** Environments that are read at a time: each is a few questions to the kernel, on threads that others need too. */
const atOnce = 16;

/**
 * Processes whose cookie is wanted. The kernel shows us the environment of our own only, and to root of all: what a step runs as somebody
 * else is a step's all the same. A process that cleaned its environment is not found.
 */
async function withCookie(wanted: (cookie: string) => boolean, since: number): Promise<number[]> {
  const pids = await startedSince(since);
  const found: number[] = [];
  const look = async () => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
      const cookie = await cookieOfProcess(pid);
      if (cookie !== null && wanted(cookie)) found.push(Number(pid));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, look));
  return found;
}

/**
 * When a process started is read at once: the kernel has it in memory and waits for nobody. Its environment is the process's own memory,
 * and one that hangs in the kernel lets its readers hang too: it is read on threads, and only where it can be what is looked for.
 */
async function startedSince(since: number): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid);
  if (since === 0) return pids;
  const young: string[] = [];
  for (const [at, pid] of pids.entries()) {
    if (at % 64 === 63) await new Promise((resolve) => setImmediate(resolve));
    if (startedAt(pid) >= since) young.push(pid);
  }
  return young;
}

/** Longer than any line of /proc/PID/stat; one for all, as files of no known size are read in many small pieces otherwise. */
const line = Buffer.alloc(2048);

function startedAt(pid: string): number {
  let file: number | undefined;
  try {
    file = openSync(`/proc/${pid}/stat`, 'r');
    return Number(readStat(line.toString('latin1', 0, readSync(file, line))).tick);
  } catch {
    // It has ended.
    return Number.NaN;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function cookieOfProcess(pid: string): Promise<string | null> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    const at = environment.startsWith(`${cookieName}=`) ? 0 : environment.indexOf(`\0${cookieName}=`) + 1;
    if (at === 0 && !environment.startsWith(`${cookieName}=`)) return null;
    return environment.slice(at + cookieName.length + 1, environment.indexOf('\0', at));
  } catch {
    // It has ended, or is not ours to look at.
    return null;
  }
}

/**
 * Ends what carries a cookie, however often it forks meanwhile.
 * @param since the tick before which none of it was started; 0 where nobody knows
 * @returns how many were ended
 */
export async function endWithCookie(wanted: (cookie: string) => boolean, since = 0): Promise<number> {
  // One that takes longer than a round to be gone is still one.
  const ended = new Set<number>();
  for (let round = 0; round < 20; round += 1) {
    const pids = await withCookie(wanted, since);
    if (pids.length === 0) return ended.size;
    for (const pid of pids) {
      // The one that is not there any more is what was wanted.
      if (signal(pid, 'SIGKILL')) ended.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return ended.size;
}

/** @returns whether there was anybody to hear it */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
