import { existsSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '@govctl/core/api';
import { validateConfig } from '@govctl/core/config';
import type { Host } from './host.ts';
import { groups, owner, type Place, paths, units } from './place.ts';
import { readRecord, standingOf } from './record.ts';
import type { Step } from './step.ts';

export type UninstallOptions = {
  readonly place: Place;
  readonly host: Host;
  /** Data and keys go too: the name of the evidence log, repeated by whoever means it. */
  readonly purge: boolean;
  readonly confirm: string | undefined;
};

/**
 * Takes away what `govd install` wrote and nobody changed; what was changed is named and stays. Data, keys and configuration stay
 * unless they are purged.
 *
 * @throws Problem `not-found` without an installation, `usage` for a purge that is not confirmed
 */
export function planUninstall({ place, host, purge, confirm }: UninstallOptions): readonly Step[] {
  const record = readRecord(place.at(paths.record));
  if (record === null && !purge)
    throw new Problem('not-found', { detail: 'nothing is installed here by govd install', hint: 'govd install' });
  if (purge) requireConfirmed(place, confirm);
  const files = Object.entries(record?.files ?? {}).filter(([path]) => existsSync(place.at(path)));
  const ours = files.filter(([path, digest]) => standingOf(place.at(path), null, digest) === 'ours').map(([path]) => path);
  const changed = files.map(([path]) => path).filter((path) => !ours.includes(path));
  return [
    ...stopping(place, host),
    ...ours.map((path): Step => ({ verb: 'remove', what: path, carryOut: () => removeFile(place, path) })),
    ...changed.map((path): Step => ({ verb: 'keep', what: `${path}: it was changed after govd install wrote it` })),
    { verb: 'remove', what: paths.library, carryOut: () => rmSync(place.at(paths.library), { recursive: true, force: true }) },
    ...(host.live
      ? [{ verb: 'run', what: 'systemctl daemon-reload', carryOut: () => host.run('systemctl', 'daemon-reload') } as const]
      : []),
    ...(purge
      ? purging(place, host)
      : [
          {
            verb: 'keep',
            what: `${paths.state} and ${paths.configFolder}: data, keys, configuration, and the user they belong to`,
          } as const,
        ]),
  ];
}

function stopping(place: Place, host: Host): readonly Step[] {
  const there = units.filter((unit) => existsSync(place.at(`/etc/systemd/system/${unit}`)));
  if (!host.live || there.length === 0) return [];
  // The sockets first: a connection would start the service again.
  const argv = ['disable', '--now', '--quiet', ...[...there].reverse()];
  return [
    { verb: 'run', what: `systemctl disable --now ${[...there].reverse().join(' ')}`, carryOut: () => host.run('systemctl', ...argv) },
  ];
}

function purging(place: Place, host: Host): readonly Step[] {
  const folders = [paths.state, paths.configFolder, paths.runtime].filter((path) => existsSync(place.at(path)));
  return [
    ...folders.map(
      (path): Step => ({
        verb: 'remove',
        what: `${path} and all that is in it`,
        carryOut: () => rmSync(place.at(path), { recursive: true, force: true }),
      }),
    ),
    { verb: 'remove', what: `the user ${owner} and the groups ${groups.join(', ')}`, carryOut: () => forget(place, host) },
  ];
}

/** @throws Problem when the system refuses; a user or group that is not there is as wanted */
function forget(place: Place, host: Host): void {
  const root = place.root === '/' ? [] : ['--root', place.root];
  const known = (file: string, name: string) => new RegExp(`^${name}:`, 'm').test(readFileSync(place.at(file), 'utf8'));
  if (known('/etc/passwd', owner)) host.run('userdel', ...root, owner);
  for (const group of [owner, ...groups]) if (known('/etc/group', group)) host.run('groupdel', ...root, group);
}

function requireConfirmed(place: Place, confirm: string | undefined): void {
  const name = originOf(place);
  if (name === null)
    throw new Problem('not-found', { detail: `there is no ${paths.config}, so nothing to purge by name`, hint: 'govd uninstall' });
  if (confirm === name) return;
  throw new Problem('usage', {
    detail: `a purge takes the evidence log ${name} away, with its keys: nothing it holds can be proved afterwards`,
    hint: `if you mean it: govd uninstall --purge --confirm ${name}`,
  });
}

function originOf(place: Place): string | null {
  const path = place.at(paths.config);
  if (!existsSync(path)) return null;
  const validated = validateConfig(readFileSync(path, 'utf8'));
  return validated.ok && validated.value.kind === 'GovdConfig' ? validated.value.config.log.origin : 'unreadable';
}

function removeFile(place: Place, path: string): void {
  rmSync(place.at(path), { force: true });
  try {
    // A folder of drop-ins that is empty now; one that has something in it stays.
    if (path.includes('.service.d/')) rmdirSync(dirname(place.at(path)));
  } catch {}
}
