import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const debianSources = '/usr/share/gocode';
const packages = ['golang-go', 'golang-golang-x-mod-dev'];

/** Whether Go and x/mod are here. In CI root installs Debian's packages when they are not; elsewhere the test is left out, and says so. */
export function goAvailability(): { readonly skip: boolean; readonly note: string } {
  if (isHere()) return { skip: false, note: '' };
  const inCi = process.env.CI !== undefined && process.env.CI !== '';
  if (inCi && process.getuid?.() === 0) {
    for (const argv of [['update'], ['install', '-y', '--no-install-recommends', ...packages]])
      spawnSync('apt-get', argv, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: 300_000 });
  }
  const skip = !isHere();
  return { skip, note: skip ? ` (left out: needs ${packages.join(' and ')} of Debian)` : '' };
}

function isHere(): boolean {
  return spawnSync('go', ['version']).status === 0 && existsSync(join(debianSources, 'src/golang.org/x/mod/sumdb/tlog'));
}

/** Builds the verifier from Debian's packaged sources: nothing is downloaded. @returns the program */
export function buildVerifier(folder: string): string {
  const program = join(folder, 'sumdb-verify');
  execFileSync('go', ['build', '-o', program, join(import.meta.dirname, 'main.go')], {
    env: { ...process.env, GO111MODULE: 'off', GOPATH: debianSources, GOFLAGS: '', CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return program;
}
