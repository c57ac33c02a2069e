import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Problem } from '@govctl/core/api';

/** The programs as they lie now: the package of govd, that of govctl beside it, and the Node that runs them. */
export type ProgramSource = { readonly agent: string; readonly cli: string; readonly node: string };

type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** @throws Problem `usage` when the running program is not one that can be copied */
export function programSource(script: string, node: string): ProgramSource {
  const agent = dirname(dirname(realpathSync(script)));
  if (!existsSync(join(agent, 'dist', 'main.js')) || manifestOf(agent).name !== '@govctl/agent')
    throw new Problem('usage', {
      detail: `${script} is not the program of the package @govctl/agent`,
      hint: 'npm run build, then: govd install',
    });
  const cli = join(dirname(agent), 'cli');
  if (!existsSync(join(cli, 'dist', 'main.js')))
    throw new Problem('usage', { detail: `govctl is not beside govd (${cli})`, hint: 'npm run build' });
  return { agent, cli, node };
}

/** What tells one build from another. */
export function programDigest({ agent, cli, node }: ProgramSource): string {
  const hash = createHash('sha256').update(process.version);
  const add = (path: string) => hash.update(path.slice(path.lastIndexOf('/'))).update(readFileSync(path));
  for (const home of [agent, cli]) {
    add(join(home, 'package.json'));
    for (const name of readdirSync(join(home, 'dist'), { recursive: true, encoding: 'utf8' }).sort())
      if (/\.(js|wasm)$/.test(name)) add(join(home, 'dist', name));
  }
  return `sha256:${hash.update(node.slice(node.lastIndexOf('/'))).digest('hex')}`;
}

/** Where a package finds another, as Node looks for it. */
function locate(name: string, from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (folder === dirname(folder)) return null;
  }
}

/** What tools/build.ts leaves outside the bundles: it has native code. */
const native = ['better-sqlite3', 'koffi'];

/** All of a package but the sources of SQLite and what is built for other machines; `src` is a program in some. */
function isNeededHere(inside: string): boolean {
  if (/^\/(node_modules|deps)(\/|$)/.test(inside)) return false;
  const prebuilt = /^\/prebuilds\/(.+)-([^-]+)\.node$/.exec(inside);
  return prebuilt === null || (prebuilt[1]?.startsWith(process.platform) === true && prebuilt[2] === process.arch);
}

/** Copies a package that `from` asks for, and what it depends on, beside each other into `top`. */
function copyPackage(name: string, from: string, top: string, optional = false): void {
  const to = join(top, 'node_modules', name);
  if (existsSync(to)) return;
  const found = locate(name, from);
  if (found === null) {
    if (optional) return;
    throw new Problem('unavailable', { detail: `${name}, which ${from} needs, is not installed`, hint: 'npm run build' });
  }
  cpSync(found, to, { recursive: true, filter: (path) => isNeededHere(path.slice(found.length)) });
  const { dependencies = {}, optionalDependencies = {} } = manifestOf(found);
  for (const each of Object.keys({ ...dependencies, ...optionalDependencies })) copyPackage(each, found, top, each in optionalDependencies);
}

/**
 * Copies the programs, what they need and their Node to a folder that belongs to the administrator: a service that root installs must
 * not run from a checkout that somebody else may write. Made beside the old one and swapped, so that a start meanwhile finds a whole one.
 */
export function copyProgram({ agent, cli, node }: ProgramSource, to: string): void {
  const [fresh, old] = [`${to}.new`, `${to}.old`];
  rmSync(fresh, { recursive: true, force: true });
  try {
    for (const [name, home] of [
      ['agent', agent],
      ['cli', cli],
    ] as const) {
      const into = join(fresh, 'packages', name);
      mkdirSync(into, { recursive: true, mode: 0o755 });
      for (const part of ['package.json', 'bin', 'dist'])
        cpSync(join(home, part), join(into, part), { recursive: true, dereference: true });
      if (name === 'agent') for (const each of native) copyPackage(each, home, into);
    }
    const binary = join(fresh, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
    cpSync(node, binary, { dereference: true });
    chmodSync(binary, 0o755);
    openToReaders(fresh);
    rmSync(old, { recursive: true, force: true });
    if (existsSync(to)) renameSync(to, old);
    renameSync(fresh, to);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

/** A checkout under a strict umask is closed to the daemon's user; the copy is for everybody to read and for nobody to write. */
function openToReaders(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToReaders(path);
    else if (entry.isFile()) chmodSync(path, /\/bin\/(node|govd|govctl)$/.test(path) ? 0o755 : 0o644);
  }
}
