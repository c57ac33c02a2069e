import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem, type ProblemReason } from '@govctl/core/api';
import { type GovdConfig, validateConfig } from '@govctl/core/config';
import { stringify } from 'yaml';
import { writeFileDurably } from '../state/index.ts';
import type { Host } from './host.ts';
import { type Place, paths, units } from './place.ts';
import { copyProgram, type ProgramSource, programDigest } from './program-copy.ts';
import { emptyRecord, type InstallRecord, readRecord, standingOf, textDigest, writeRecord } from './record.ts';
import { hasState, makeState, settleState } from './state.ts';
import type { Step } from './step.ts';
import { type InstalledFile, installedFiles } from './unit.ts';

export type InstallOptions = {
  readonly place: Place;
  readonly host: Host;
  readonly source: ProgramSource;
  readonly version: string;
  /** Text of a configuration to start from; a machine that has one keeps it. */
  readonly config: string | undefined;
  readonly origin: string | undefined;
  readonly operator: string;
  readonly now: () => string;
};

/**
 * What has to be done on this machine, or in this image. Nothing is done here: a file that somebody else wrote, or changed, refuses
 * the whole of it.
 *
 * @throws Problem `conflict`, `usage`
 */
export function planInstall(options: InstallOptions): readonly Step[] {
  const { place, host, source, version } = options;
  const record = readRecord(place.at(paths.record)) ?? emptyRecord;
  const { config, text } = configOf(options);
  const files = installedFiles(config);
  requireOurs(place, record, files);

  const program = programDigest(source);
  const copied = record.program === program && existsSync(place.at(paths.program));
  const changed = files.filter(({ path, content }) => standingOf(place.at(path), content, record.files[path]) !== 'same');
  const written: InstallRecord = {
    ...emptyRecord,
    version,
    program,
    files: Object.fromEntries(files.map((file) => [file.path, textDigest(file.content)])),
  };
  // What an earlier version wrote and this one does not.
  const left = Object.keys(record.files).filter((path) => !(path in written.files) && existsSync(place.at(path)));
  const upgraded = !copied || changed.length > 0 || left.length > 0;

  return [
    copied
      ? { verb: 'unchanged', what: `${paths.program} (govd ${version})` }
      : { verb: 'copy', what: `govd ${version}, govctl and their Node to ${paths.program}`, carryOut: () => placeProgram(place, source) },
    ...files.map((file) => writing(place, file, record)),
    ...left.map((path): Step => ({ verb: 'remove', what: path, carryOut: () => removeFile(place, path) })),
    text === null
      ? { verb: 'keep', what: paths.config }
      : { verb: 'write', what: paths.config, carryOut: () => write(place, { path: paths.config, content: text, mode: 0o644 }) },
    {
      verb: 'make',
      what: 'the user govd, the groups govctl and govctl-admin, and the folders',
      carryOut: () => {
        writeRecord(place.at(paths.record), written);
        host.run('systemd-sysusers', ...imageOf(place), place.at('/etc/sysusers.d/govd.conf'));
        host.run('systemd-tmpfiles', '--create', ...imageOf(place), place.at('/etc/tmpfiles.d/govd.conf'));
      },
    },
    ...stateSteps(options),
    ...serviceSteps(host, upgraded),
  ];
}

function stateSteps({ place, operator, now }: InstallOptions): readonly Step[] {
  // Keys that an image brings along would be the keys of every machine made from it.
  if (place.root !== '/') return [{ verb: 'keep', what: `${paths.state} empty: keys are made on the machine, by govd install there` }];
  const settle = () => settleState(place);
  if (hasState(place)) return [{ verb: 'keep', what: `the deployment in ${paths.state}`, carryOut: settle }];
  return [
    {
      verb: 'make',
      what: `a deployment in ${paths.state}: databases, trust root, the key of ${operator}`,
      carryOut: () => makeState(place, operator, now),
    },
    { verb: 'make', what: `private keys in ${paths.credentials}, for root only`, carryOut: settle },
  ];
}

function serviceSteps(host: Host, upgraded: boolean): readonly Step[] {
  if (!host.live) return [];
  const running = host.ask('systemctl', 'is-active', 'govd.service') === 'active';
  return [
    {
      verb: 'run',
      what: `systemctl enable --now ${units.join(' ')}`,
      carryOut() {
        host.run('systemctl', 'daemon-reload');
        host.run('systemctl', 'enable', '--quiet', ...units);
        host.run('systemctl', 'start', 'govd.socket', 'govd-admin.socket');
        host.run('systemctl', running && upgraded ? 'restart' : 'start', 'govd.service');
      },
    },
  ];
}

/** The configuration that will count, and its text where it has to be written. */
function configOf({ place, config, origin }: InstallOptions): { readonly config: GovdConfig; readonly text: string | null } {
  const path = place.at(paths.config);
  if (existsSync(path)) {
    if (config !== undefined || origin !== undefined)
      throw new Problem('conflict', {
        detail: `${paths.config} is there and is kept`,
        hint: `edit it, then: govd install (without --config and --origin)`,
      });
    return { config: parsed(readFileSync(path, 'utf8'), paths.config), text: null };
  }
  const text = config ?? stringify(firstConfig(origin ?? 'govctl.local/log'));
  return { config: parsed(text, '--config'), text };
}

function firstConfig(origin: string): Record<string, unknown> {
  return { apiVersion: 'govctl/v1', kind: 'GovdConfig', environment: 'local_parity', log: { origin }, secrets: { provider: 'systemd' } };
}

function parsed(text: string, where: string): GovdConfig {
  const validated = validateConfig(text);
  const problems = validated.ok ? [] : validated.problems;
  if (!validated.ok || validated.value.kind !== 'GovdConfig')
    throw new Problem('usage', {
      detail: `${where} is not a valid govd.yaml`,
      hint: 'govctl config validate FILE',
      reasons: problems.map(({ path, line, message }) => ({ path: `${path} (line ${line})`, message })),
    });
  const { config } = validated.value;
  if (config.secrets.provider !== 'systemd')
    throw new Problem('usage', {
      detail: `${where} has secrets.provider ${config.secrets.provider}; an installed govd gets its keys from systemd`,
      hint: 'secrets: { provider: systemd }',
    });
  return config;
}

/** @throws Problem `conflict` with every file that is in the way */
function requireOurs(place: Place, record: InstallRecord, files: readonly InstalledFile[]): void {
  const reasons: ProblemReason[] = files
    .filter(({ path, content }) => standingOf(place.at(path), content, record.files[path]) === 'foreign')
    .map(({ path }) => ({ path, message: path in record.files ? 'was changed after it was written' : 'was not written by govd install' }));
  if (reasons.length > 0)
    throw new Problem('conflict', {
      detail: `${reasons.length} ${reasons.length === 1 ? 'file is' : 'files are'} in the way, and nothing was changed`,
      hint: `move it away: mv ${reasons[0]?.path} ${reasons[0]?.path}.old; changes to a unit belong into a drop-in: systemctl edit govd.service`,
      reasons,
    });
}

function writing(place: Place, file: InstalledFile, record: InstallRecord): Step {
  const standing = standingOf(place.at(file.path), file.content, record.files[file.path]);
  if (standing === 'same') return { verb: 'unchanged', what: file.path };
  return { verb: standing === 'absent' ? 'write' : 'replace', what: file.path, carryOut: () => write(place, file) };
}

function write(place: Place, { path, content, mode }: InstalledFile): void {
  mkdirSync(dirname(place.at(path)), { recursive: true, mode: 0o755 });
  writeFileDurably(place.at(path), content, mode);
}

function placeProgram(place: Place, source: ProgramSource): void {
  mkdirSync(place.at(paths.library), { recursive: true, mode: 0o755 });
  copyProgram(source, place.at(paths.program));
}

function removeFile(place: Place, path: string): void {
  rmSync(place.at(path), { force: true });
}

function imageOf(place: Place): readonly string[] {
  return place.root === '/' ? [] : [`--root=${place.root}`];
}
