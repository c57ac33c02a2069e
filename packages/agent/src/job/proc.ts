import { readdir, readFile } from 'node:fs/promises';

/** What marks every process of a step, and what it starts: the variable is inherited, also by what leaves the process group. */
export const cookieName = 'GOVCTL_STEP_ID';

/**
 * When a process was started, told so that no other process is ever told alike: the boot and the tick of it. Null where there is no such process.
 */
export async function startOf(pid: number): Promise<string | null> {
  try {
    const [boot, line] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readFile(`/proc/${pid}/stat`, 'utf8')]);
    // The name of a program may hold anything, brackets and spaces too: fields count from the last bracket.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    // A zombie does nothing any more.
    return fields[0] === 'Z' || fields[19] === undefined ? null : `${boot.trim()}/${fields[19]}`;
  } catch {
    return null;
  }
}

/** Processes that are looked at at a time: each look is a few questions to the kernel, on threads that others need too. */
const atOnce = 16;

/**
 * Processes whose cookie is wanted. The kernel shows us the environment of our own only, and to root of all: what a step runs as somebody
 * else is a step's all the same. A process that cleaned its environment is not found.
 */
async function withCookie(wanted: (cookie: string) => boolean): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid);
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

/** Ends what carries a cookie, however often it forks meanwhile. @returns how many were ended */
export async function endWithCookie(wanted: (cookie: string) => boolean): Promise<number> {
  let ended = 0;
  for (let round = 0; round < 20; round += 1) {
    const pids = await withCookie(wanted);
    if (pids.length === 0) return ended;
    for (const pid of pids) {
      // The one that is not there any more is what was wanted.
      if (signal(pid, 'SIGKILL')) ended += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return ended;
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
