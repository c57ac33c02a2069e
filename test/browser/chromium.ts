import { execFileSync, spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

type Found = { readonly program: string } | { readonly reason: string };

const programs = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

function probe(program: string): Found {
  const ran = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return ran.status === 0 ? { program } : { reason: `${program}: ${ran.error?.message ?? ran.stderr.trim()}` };
}

function installed(): string | undefined {
  return programs.find((program) => 'program' in probe(program));
}

function find(): Found {
  const named = process.env.GOVCTL_TEST_CHROMIUM;
  if (named !== undefined && named !== '') return probe(named);
  const program = installed();
  if (program !== undefined) return { program };
  if (process.getuid?.() !== 0) return { reason: `none of ${programs.join(', ')}` };
  try {
    const quiet = { stdio: 'pipe', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
    // Another test may be installing something just now.
    const patient = ['-o', 'DPkg::Lock::Timeout=300'];
    execFileSync('apt-get', [...patient, 'update'], quiet);
    execFileSync('apt-get', [...patient, 'install', '-y', '--no-install-recommends', 'chromium'], quiet);
  } catch (error) {
    return { reason: `apt-get: ${(error as Error).message.split('\n')[0]}` };
  }
  const now = installed();
  return now === undefined ? { reason: 'apt-get installed no chromium' } : { program: now };
}

let known: Found | undefined;

function found(): Found {
  known ??= find();
  return known;
}

/**
 * For `describe.skipIf(browser.skip)(`title${browser.note}`, ...)`: without a browser the tests are skipped, and their title says why.
 * CI never skips: there they run, and fail with the reason. Root gets Debian's package where there is none.
 */
export function chromiumAvailability(): { readonly skip: boolean; readonly note: string } {
  const it = found();
  if ('program' in it) return { skip: false, note: '' };
  return { skip: process.env.CI === undefined, note: ` (SKIPPED: no Chromium: ${it.reason}; set GOVCTL_TEST_CHROMIUM)` };
}

/** A browser of one's own, without windows. End it with `close()`. */
export async function startChromium(): Promise<Browser> {
  const it = found();
  if ('reason' in it) throw new Error(`no Chromium: ${it.reason}`);
  const executablePath = it.program.startsWith('/') ? it.program : execFileSync('which', [it.program], { encoding: 'utf8' }).trim();
  // Its own sandbox does not start for root, nor in a container; the pages are ours.
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'], timeout: 120_000 });
}
