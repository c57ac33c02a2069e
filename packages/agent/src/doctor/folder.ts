import { existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorFinding } from '@govctl/core/api';
import type { GovdConfig } from '@govctl/core/config';
import { keyPurposes } from '@govctl/core/evidence';
import { readTrust } from '../evidence/read-trust.ts';
import { type KeyPlace, keyPlace, loadKeys, type StateDir, signerOf } from '../state/index.ts';
import { fail, failedBy, pass, warn } from './finding.ts';

const mebibyte = 1024 * 1024;
/** Below the first nothing may fit any more; below the second somebody should look before that. */
const scarce = { fail: 64 * mebibyte, warn: 1024 * mebibyte };
const dayMs = 24 * 3600 * 1000;

/** Owner and mode of the folder and of what must not be read or changed by others. */
export function ownershipFindings(dir: StateDir): DoctorFinding[] {
  const root = statSync(dir.root);
  const names = ['govd.yaml', 'govd.db', 'births.db', 'objects', 'keys', 'trust.json', 'checkpoint'];
  const keys = existsSync(dir.keys) ? readdirSync(dir.keys).map((name) => join('keys', name)) : [];
  const foreign = [...names, ...keys].filter(
    (name) => existsSync(join(dir.root, name)) && lstatSync(join(dir.root, name)).uid !== root.uid,
  );
  return [
    (root.mode & 0o077) === 0
      ? pass('state-dir', `${dir.root}, only for its owner (uid ${root.uid})`)
      : warn('state-dir', `others may enter ${dir.root} (mode ${(root.mode & 0o777).toString(8)})`, `chmod 700 ${dir.root}`),
    foreign.length === 0
      ? pass('owner', `everything in it belongs to uid ${root.uid}`)
      : fail(
          'owner',
          `${foreign.slice(0, 5).join(', ')} ${foreign.length === 1 ? 'belongs' : 'belong'} to somebody else than the folder (uid ${root.uid}): govd could not write there`,
          `chown -R --reference=${dir.root} ${dir.root}`,
        ),
  ];
}

/** The private keys; where they are credentials, they are in the daemon's hands alone, and whoever runs `govd doctor` has none. */
export function secretFindings(dir: StateDir, config: GovdConfig, credentials: string | undefined, now: string): DoctorFinding[] {
  if (config.secrets.provider === 'systemd' && credentials === undefined)
    return [
      warn('keys', 'systemd hands the private keys to the running daemon: nobody else can look at them', 'systemctl status govd.service'),
    ];
  return keyFindings(dir, keyPlace(dir, config, credentials), config.log.origin, now);
}

/** The private keys: there, readable by one, trusted, and how old. */
function keyFindings(dir: StateDir, place: KeyPlace, origin: string, now: string): DoctorFinding[] {
  try {
    const keys = loadKeys(place);
    readTrust(dir.trust, origin, {
      decision: signerOf(keys, 'decision'),
      log: signerOf(keys, 'log'),
      capability: signerOf(keys, 'capability'),
    });
    const ages = keyPurposes.map((purpose) =>
      Math.max(0, (Date.parse(now) - statSync(join(place.folder, `${purpose}.key`)).mtimeMs) / dayMs),
    );
    return [
      pass(
        'keys',
        `${keyPurposes.length} keys, all in the trust root, only for their owner; the oldest file is ${Math.floor(Math.max(...ages))} days old`,
      ),
    ];
  } catch (error) {
    return [failedBy('keys', error)];
  }
}

/** Room where state is written, and where objects are, which may be another disk. */
export function diskFindings(dir: StateDir): DoctorFinding[] {
  const of = (name: string, folder: string, what: string): DoctorFinding => {
    const { bavail, bsize, ffree, files } = statfsSync(folder);
    const free = bavail * bsize;
    const said = `${Math.floor(free / mebibyte)} MiB free for ${what} (${folder})`;
    if (files > 0 && ffree === 0)
      return fail(name, `no file can be made on the disk of ${folder}: its inodes are used up`, `df -i ${folder}`);
    if (free < scarce.fail) return fail(name, `only ${said}`, `df -h ${folder}`);
    return free < scarce.warn ? warn(name, `only ${said}`, `df -h ${folder}`) : pass(name, said);
  };
  return [
    of('disk-state', dir.root, 'state'),
    ...(existsSync(dir.objects) ? [of('disk-objects', dir.objects, 'objects')] : [pass('disk-objects', 'no object was stored yet')]),
  ];
}
