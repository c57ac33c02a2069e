import { readFileSync } from 'node:fs';
import { Problem } from '@govctl/core/api';
import { hostOf } from '../install/host.ts';
import { planInstall } from '../install/install.ts';
import { paths, placeIn } from '../install/place.ts';
import { programSource } from '../install/program-copy.ts';
import { carryOut } from '../install/step.ts';
import { planUninstall } from '../install/uninstall.ts';

type InstallFlags = {
  readonly root: string;
  readonly config?: string;
  readonly origin?: string;
  readonly operator: string;
  readonly dryRun: boolean;
};
type UninstallFlags = { readonly root: string; readonly purge: boolean; readonly confirm?: string; readonly dryRun: boolean };

const tell = (line: string) => void process.stdout.write(`${line}\n`);

/** `govd install`. */
export async function install({ root, config, origin, operator, dryRun }: InstallFlags, version: string, now: () => string): Promise<void> {
  if (config !== undefined && origin !== undefined)
    throw new Problem('usage', { detail: 'with --config, the origin stands in the file', hint: 'leave --origin out' });
  const place = placeIn(root);
  if (!dryRun) requireRoot();
  const host = hostOf(place);
  const source = programSource(process.argv[1] ?? '', process.execPath);
  const text = config === undefined ? undefined : readConfig(config);
  await carryOut(planInstall({ place, host, source, version, config: text, origin, operator, now }), dryRun, tell);
  tell(dryRun ? 'nothing was changed' : nextSteps(place.root, host.live));
}

/** `govd uninstall`. */
export async function uninstall({ root, purge, confirm, dryRun }: UninstallFlags): Promise<void> {
  const place = placeIn(root);
  if (!dryRun) requireRoot();
  await carryOut(planUninstall({ place, host: hostOf(place), purge, confirm }), dryRun, tell);
  if (dryRun) tell('nothing was changed');
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Problem('forbidden', {
    detail: "only root can install: users, units and keys are the machine's",
    hint: 'sudo govd install, or look first: govd install --dry-run',
  });
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Problem('usage', {
      detail: `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? ''}`,
      hint: '--config FILE',
      cause,
    });
  }
}

function nextSteps(root: string, live: boolean): string {
  if (root !== '/') return 'next, on the machine itself:\n  govd install';
  const begun = live ? 'govd runs' : 'installed; this machine was not started by systemd, so nothing runs yet';
  return `${begun}
next:
  export GOVCTL_CONFIG=${paths.cliConfig}
  govctl status
  systemctl status govd
  govctl --context admin apikey add --actor HUMAN::ada --action '*' --tenant '*' -O ada.apikey   # and: usermod -aG govctl ada`;
}
