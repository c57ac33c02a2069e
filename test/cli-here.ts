import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Entry } from '../packages/cli/src/command.ts';
import type { Sink } from '../packages/cli/src/io/stream.ts';
import type { runProgram } from '../packages/cli/src/run.ts';
import type { Ended } from './harness.ts';

type Bundle = { readonly program: readonly Entry[]; readonly runProgram: typeof runProgram };

const root = join(import.meta.dirname, '..');
const folder = join(import.meta.dirname, 'node_modules/.cache/cli-here');

/** Bundles the CLI for `runHere`: once a test run, before the first test. */
export async function bundleCli(): Promise<void> {
  const next = `${folder}-${process.pid}`;
  await mkdir(next, { recursive: true });
  await build({
    stdin: {
      contents: `export { program } from './program.ts';\nexport { runProgram } from './run.ts';\n`,
      resolveDir: join(root, 'packages/cli/src'),
      loader: 'ts',
    },
    outdir: next,
    entryNames: 'cli',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    loader: { '.yaml': 'text' },
    outExtension: { '.js': '.mjs' },
    sourcemap: 'linked',
    logLevel: 'warning',
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  await rm(folder, { recursive: true, force: true });
  await rename(next, folder);
}

let loaded: Promise<Bundle> | undefined;
const load = () => {
  if (!existsSync(folder)) throw new Error('the CLI was not bundled: the global set-up of the tests does it');
  loaded ??= import(pathToFileURL(join(folder, 'cli.mjs')).href) as Promise<Bundle>;
  return loaded;
};

/** Whether a word has verbs of its own, as `snapshot` has; `promote` has none. */
export async function isNoun(word: string): Promise<boolean> {
  const { program } = await load();
  return program.some((entry) => entry.kind === 'noun' && entry.name === word);
}

const piped = () => {
  const chunks: Buffer[] = [];
  const sink: Sink = {
    isTerminal: false,
    columns: 80,
    write: async (chunk) => void chunks.push(Buffer.from(chunk)),
    get raw(): NodeJS.WriteStream {
      throw new Error('a pipe has no terminal to draw on');
    },
  };
  return { sink, text: () => Buffer.concat(chunks).toString('utf8') };
};

/**
 * A command line of `govctl` in this process: the same program, with pipes for streams, and without the third of a second that a process
 * takes to start. What only a process has (signals, a reader that goes away, its exit) is not tried by this.
 */
export async function runHere(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const { program, runProgram: run } = await load();
  const [stdout, stderr] = [piped(), piped()];
  const code = await run(program, argv, {
    streams: { stdin: { isTerminal: false, stream: Readable.from([]) }, stdout: stdout.sink, stderr: stderr.sink },
    env,
    cwd: process.cwd(),
    signal: new AbortController().signal,
    now: () => new Date(),
  });
  return { code, signal: null, stdout: stdout.text(), stderr: stderr.text() };
}
