import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Problem } from '@govctl/core/api';
import type { Place } from './place.ts';

/** The programs of the system an installation needs. */
export type Host = {
  /** Whether this machine was started by systemd and the installation is for it, not for an image. */
  readonly live: boolean;
  run(command: string, ...argv: readonly string[]): void;
  /** What a command prints, whatever its exit code. */
  ask(command: string, ...argv: readonly string[]): string;
};

export function hostOf(place: Place): Host {
  const ask: Host['ask'] = (command, ...argv) => spawnSync(command, argv, { encoding: 'utf8' }).stdout?.trim() ?? '';
  return {
    live: place.root === '/' && existsSync('/run/systemd/system'),
    ask,
    run(command, ...argv) {
      const ran = spawnSync(command, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      if (ran.status === 0) return;
      const said = ran.error?.message ?? `${ran.stderr}${ran.stdout}`.trim().split('\n').slice(-3).join('; ');
      throw new Problem('unavailable', {
        detail: `${[command, ...argv].join(' ')} failed: ${said}`,
        hint: command === 'systemctl' ? 'look at: journalctl -u govd.service -e' : 'install the package systemd',
      });
    },
  };
}

/** The number of a user or group of the installation's own machine or image. */
export function numberOf(place: Place, file: 'passwd' | 'group', name: string): number {
  const line = readFileSync(place.at(`/etc/${file}`), 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  const number = Number(line?.split(':')[2] ?? Number.NaN);
  if (Number.isSafeInteger(number)) return number;
  throw new Problem('unavailable', { detail: `there is no ${name} in ${place.at(`/etc/${file}`)}`, hint: 'systemd-sysusers' });
}
