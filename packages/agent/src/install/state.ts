import { chmodSync, copyFileSync, existsSync, lchownSync, lstatSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@govctl/core/api';
import { keyPurposes } from '@govctl/core/evidence';
import { stringify } from 'yaml';
import { stateDir, writeFileDurably } from '../state/index.ts';
import { initStateDir } from '../state/init.ts';
import { numberOf } from './host.ts';
import { owner, type Place, paths } from './place.ts';

/** Whether the machine has a deployment. @throws Problem `conflict` when it has the keys of one and not its state */
export function hasState(place: Place): boolean {
  if (existsSync(place.at(`${paths.state}/trust.json`))) return true;
  const left = keyPurposes.filter((purpose) => existsSync(place.at(`${paths.credentials}/${purpose}.key`)));
  if (left.length === 0) return false;
  throw new Problem('conflict', {
    detail: `${paths.credentials} has keys (${left.join(', ')}) and ${paths.state} has no deployment: a key made twice is evidence lost`,
    hint: `put the state back into ${paths.state}, or move the keys away: mv ${paths.credentials} ${paths.credentials}.old`,
  });
}

/** Makes the deployment of this machine from the configuration that stands in /etc. */
export async function makeState(place: Place, operator: string, now: () => string): Promise<void> {
  await initStateDir({
    root: place.at(paths.state),
    config: place.at(paths.config),
    operator,
    now,
    credentials: place.at(paths.credentials),
  });
}

/**
 * Gives everybody what is theirs, and nobody more. Private keys and the operator's key become root's: the daemon gets the former from
 * systemd, in memory. Each step does nothing where it was done, so an interrupted installation is finished by the next.
 */
export function settleState(place: Place): void {
  const dir = stateDir(place.at(paths.state));
  const uid = numberOf(place, 'passwd', owner);
  const move = (from: string, to: string, mode: number) => {
    if (!existsSync(from)) return;
    // Copied before it is removed: a crash between the two must not lose a key.
    if (!existsSync(to)) writeFileDurably(to, readFileSync(from), mode);
    rmSync(from);
  };
  for (const purpose of keyPurposes) move(join(dir.keys, `${purpose}.key`), place.at(`${paths.credentials}/${purpose}.key`), 0o600);
  move(dir.operatorKey, place.at(paths.operatorKey), 0o600);
  if (!existsSync(place.at(paths.trust))) copyFileSync(dir.trust, place.at(paths.trust));
  chmodSync(place.at(paths.trust), 0o644);
  if (!existsSync(place.at(paths.cliConfig))) writeFileDurably(place.at(paths.cliConfig), cliConfig, 0o644);
  rmSync(dir.cliConfig, { force: true });
  // The one configuration stands where administrators look for it, and where the daemon cannot write it.
  if (!lstatSync(dir.config, { throwIfNoEntry: false })?.isSymbolicLink()) {
    rmSync(dir.config, { force: true });
    symlinkSync(paths.config, dir.config);
  }
  // Once: later the folder is the daemon's, and root does not walk through what somebody else may rearrange meanwhile.
  if (lstatSync(dir.trust).uid !== uid) own(dir.root, uid, numberOf(place, 'group', owner));
}

function own(path: string, uid: number, gid: number): void {
  lchownSync(path, uid, gid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) own(join(path, name), uid, gid);
}

const cliConfig = `# How govctl reaches the govd of this machine. Operators: export GOVCTL_CONFIG=${paths.cliConfig} and GOVCTL_API_KEY_FILE=<your key>.
${stringify({
  apiVersion: 'govctl/v1',
  kind: 'CliConfig',
  current_context: 'local',
  contexts: {
    local: { socket: paths.operatorSocket, api_key_file: paths.operatorKey, trust_file: paths.trust },
    admin: { socket: paths.adminSocket, api_key_file: paths.operatorKey, trust_file: paths.trust },
  },
})}`;
