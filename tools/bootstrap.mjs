// Everything the README's commands need, on a machine that has Node (any from 20) and npm only:
// pnpm comes from the npm registry at a pinned version, the repository's own Node 24 is a dependency, and the
// programs are bundled once. Plain JavaScript without dependencies, because nothing is installed when it starts.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM = 'pnpm@10.34.9';
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.cache', 'govctl-bootstrap');

/** What each README command runs once the workspace stands; every step runs on the repository's own Node. */
const tasks = {
  setup: [],
  demo: [['node', 'fixtures/demo/demo.ts']],
  test: [['vitest', 'run']],
  bench: [['node', 'test/bench/bench.ts']],
  faults: [['node', 'test/loss/faults.ts']],
  ci: [
    ['biome', 'ci', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.'],
    ['tsc', '--noEmit', '-p', 'tsconfig.json'],
    ['depcruise', '--config', '.dependency-cruiser.cjs', 'packages', 'test', 'fixtures', 'tools'],
    ['knip'],
    ['node', 'tools/generate-docs.ts', '--check'],
  ],
};

function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) fail(`error: ${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Runs a step to its end. It has things to put away, so signals are passed on; Ctrl-C in a terminal reaches it anyway. */
function perform(command, args, output = 'inherit') {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['inherit', output, output] });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
    }
    child.on('error', (error) => fail(`error: ${command} could not be started: ${error.message}`));
    // With pipes, what it said last comes after its exit.
    child.on('close', (code, signal) => {
      process.stdout.write(Buffer.concat(said));
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** One digest over the lockfile and every manifest: when it is unchanged, nothing has to be installed. */
function installDigest() {
  const hash = createHash('sha256');
  const manifests = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  for (const name of readdirSync(join(root, 'packages')).sort()) manifests.push(`packages/${name}/package.json`);
  manifests.push('fixtures/package.json', 'test/package.json');
  // A checkout copied to another kind of machine needs other binaries.
  hash.update(`${process.platform}-${process.arch}`);
  for (const path of manifests) if (existsSync(join(root, path))) hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

const [name = 'setup', ...rest] = process.argv.slice(2);
const steps = tasks[name];
if (!steps) fail(`error: no task ${name}\nfix: one of ${Object.keys(tasks).join(', ')}`, 2);
if (Number(process.versions.node.split('.')[0]) < 20) fail(`error: Node 20 or later is needed to start, this is ${process.versions.node}`);

const digest = installDigest();
const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
if (!installed) {
  process.stderr.write('setting up: dependencies and Node 24 from the npm registry (about 400 MB of disk)\n');
  run('npx', ['--yes', PNPM, 'install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn']);
}

// The real binary's folder stands before the package manager's wrapper, which would swallow signals.
const bins = [join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin'), join(root, 'node_modules', '.bin')];
const env = { ...process.env, PATH: [...bins, process.env.PATH ?? ''].join(':') };
const own = spawnSync('node', ['-p', 'process.versions.node'], { cwd: root, env, encoding: 'utf8' });
if (Number((own.stdout ?? '').split('.')[0]) < 24) {
  fail(
    `error: this platform (${process.platform}-${process.arch}) has no packaged Node 24, and the Node found is ${own.stdout?.trim()}\nfix: install Node 24 and run the command again`,
  );
}
run('node', ['tools/build.ts', '--if-stale'], { env });
if (!installed) {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}
// Every step runs, so that one run tells everything that is wrong.
let exitCode = 0;
if (steps.length === 1) {
  const [[command, ...args]] = steps;
  exitCode = await perform(command, [...args, ...rest]);
} else {
  // Most keep one processor busy: two go at a time, and what each says is shown when it has ended.
  const waiting = steps.values();
  const lane = async () => {
    for (const [command, ...args] of waiting) {
      const code = await perform(command, args, 'pipe');
      process.stderr.write(`${code === 0 ? 'ok' : 'failed'}: ${[command, ...args].join(' ')}\n`);
      exitCode ||= code;
      if (code > 128) return;
    }
  };
  await Promise.all([lane(), lane()]);
}
process.exitCode = exitCode;
