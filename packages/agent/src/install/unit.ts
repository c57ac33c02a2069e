import { dirname, isAbsolute } from 'node:path';
import type { GovdConfig } from '@govctl/core/config';
import service from '../../../../packaging/govd.service';
import socket from '../../../../packaging/govd.socket';
import sysusers from '../../../../packaging/govd.sysusers.conf';
import tmpfiles from '../../../../packaging/govd.tmpfiles.conf';
import adminSocket from '../../../../packaging/govd-admin.socket';
import network from '../../../../packaging/network.conf';
import { paths } from './place.ts';

/** A file an installation consists of, besides the programs. */
export type InstalledFile = { readonly path: string; readonly content: string; readonly mode: number };

const wrapper = (program: string) =>
  `#!/bin/sh\n# Written by \`govd install\`.\nexec ${paths.program}/packages/${program === 'govd' ? 'agent' : 'cli'}/bin/${program} "$@"\n`;

/** Everything that is ours to write, for the configuration of this machine. */
export function installedFiles(config: GovdConfig): readonly InstalledFile[] {
  const text = (path: string, content: string, mode = 0o644): InstalledFile => ({ path, content, mode });
  const dropIns = dropInOf(config);
  return [
    text('/usr/local/bin/govd', wrapper('govd'), 0o755),
    text('/usr/local/bin/govctl', wrapper('govctl'), 0o755),
    text('/etc/systemd/system/govd.service', service),
    text('/etc/systemd/system/govd.socket', socket),
    text('/etc/systemd/system/govd-admin.socket', adminSocket),
    ...(dropIns === null ? [] : [text('/etc/systemd/system/govd.service.d/10-govd-install.conf', dropIns)]),
    text('/etc/sysusers.d/govd.conf', sysusers),
    text('/etc/tmpfiles.d/govd.conf', tmpfiles),
  ];
}

/** What this configuration needs beyond the closed unit: a network, a password, a folder outside the state folder. */
function dropInOf({ store, log, listeners, webhooks }: GovdConfig): string | null {
  const settings: string[] = [];
  const { postgres } = store;
  // Loopback is a network too: that of the machine is not the one of a closed service.
  const networked = postgres !== undefined || listeners.fetch !== undefined || webhooks.endpoints.length > 0;
  if (networked) settings.push(network.trimEnd());
  else settings.push('# Written by `govd install`: what govd.yaml needs beyond the closed unit.\n[Service]');
  const closed = settings.length;
  if (postgres?.password_file !== undefined)
    settings.push(`LoadCredential=${postgres.password_file}:${paths.credentials}/${postgres.password_file}`);
  for (const { secret_file } of webhooks.endpoints) settings.push(`LoadCredential=${secret_file}:${paths.credentials}/${secret_file}`);
  const { key_file } = listeners.fetch?.tls ?? {};
  if (key_file !== undefined) settings.push(`LoadCredential=${key_file}:${paths.credentials}/${key_file}`);
  const second = log.second_place;
  if (second !== undefined && isAbsolute(second) && !second.startsWith(`${paths.state}/`))
    settings.push(`ReadWritePaths=${dirname(second)}`);
  return !networked && settings.length === closed ? null : `${settings.join('\n')}\n`;
}
