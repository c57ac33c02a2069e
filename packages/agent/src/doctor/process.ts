import { existsSync, readFileSync } from 'node:fs';
import type { DoctorFinding } from '@govctl/core/api';
import { pass, warn } from './finding.ts';

const mebibyte = 1024 * 1024;
const wantedFiles = 4096;
/** So much of the memory it may have is in use. */
const highShare = 0.85;
const jumpMs = 5000;

/** Where Linux tells a process about itself; a test has its own. */
export type ProcFiles = (path: string) => string | undefined;

export const procFiles: ProcFiles = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

/** What the running process may use, and does. */
export function limitFindings(read: ProcFiles): DoctorFinding[] {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(read('/proc/self/limits') ?? '')?.[1];
  const files = soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  const resident = Number(/^VmRSS:\s+(\d+) kB/m.exec(read('/proc/self/status') ?? '')?.[1] ?? Number.NaN) * 1024;
  const most = Number((read('/sys/fs/cgroup/memory.max') ?? 'max').trim());
  const used = `${Math.round(resident / mebibyte)} MiB resident`;
  return [
    files >= wantedFiles
      ? pass('open-files', soft === undefined ? 'the limit is not known here' : `${soft} open files are allowed`)
      : warn(
          'open-files',
          `only ${files} open files are allowed, ${wantedFiles} are wanted`,
          'systemctl edit govd: LimitNOFILE=65536 under [Service]',
        ),
    Number.isNaN(most) || Number.isNaN(resident)
      ? pass('memory', Number.isNaN(resident) ? 'not known here' : `${used}, no limit`)
      : resident > most * highShare
        ? warn(
            'memory',
            `${used} of the ${Math.round(most / mebibyte)} MiB it may have`,
            'systemctl edit govd: a larger MemoryMax under [Service]',
          )
        : pass('memory', `${used} of ${Math.round(most / mebibyte)} MiB`),
  ];
}

/** Tells a wall clock that jumped from time that passed. Both clocks are arguments. */
export function clockWatch(wallMs: () => number, monotonicMs: () => number): () => DoctorFinding {
  const since = wallMs() - monotonicMs();
  return () => {
    const jumped = wallMs() - monotonicMs() - since;
    return Math.abs(jumped) < jumpMs
      ? pass('clock-jumps', 'none since govd started')
      : warn(
          'clock-jumps',
          `the clock was moved by ${Math.round(jumped / 1000)} s since govd started, or the machine slept: times in records jump with it`,
          'timedatectl timesync-status',
        );
  };
}

/** Steps of jobs are programs of whoever submits them, and run as the daemon's user. */
export function jobsFinding(enabled: boolean, uid: number | undefined): DoctorFinding {
  if (!enabled) return pass('jobs', 'no job runs here');
  return uid === 0
    ? warn(
        'jobs',
        'govd runs as root, and steps of jobs do with it: whoever may submit a job may do anything on this host',
        'govd install (a user of its own), or runs.jobs.enabled: false in govd.yaml',
      )
    : pass('jobs', `steps of jobs run as uid ${uid ?? 'unknown'}, as govd does`);
}
