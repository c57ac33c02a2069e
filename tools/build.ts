// Bundles the two programs into packages/*/dist. Types are checked by tsc, not here: a build takes a blink.
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const root = join(import.meta.dirname, '..');

type Manifest = { version: string; dependencies?: Record<string, string> };

function manifest(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest;
}

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.12',
  splitting: true,
  minify: true,
  keepNames: true,
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  // Bundled CommonJS libraries call require() for Node's own modules.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
};

type Program = 'agent' | 'cli';

/** Builds beside the old bundle and swaps folders, so that a program started meanwhile finds a whole one. */
async function bundle(name: Program, external: string[]): Promise<void> {
  const home = join(root, 'packages', name);
  const [dist, fresh, old] = [join(home, 'dist'), join(home, `dist.new-${process.pid}`), join(home, `dist.old-${process.pid}`)];
  try {
    await build({
      ...common,
      entryPoints: { main: join(home, 'src', 'main.ts') },
      outdir: fresh,
      chunkNames: 'chunk/[name]-[hash]',
      external,
      loader: { '.sql': 'text', '.yaml': 'text' },
      define: { __VERSION__: JSON.stringify(manifest(name).version) },
    });
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
  } finally {
    rmSync(old, { recursive: true, force: true });
    rmSync(fresh, { recursive: true, force: true });
  }
}

// The daemon's libraries stay outside its bundle: a native addon and a logger that starts workers are among them.
const external: Record<Program, string[]> = {
  agent: Object.keys(manifest('agent').dependencies ?? {}).filter((dependency) => !dependency.startsWith('@govctl/')),
  cli: [],
};
const asked = process.argv.slice(2).filter((name): name is Program => name in external);
await Promise.all((asked.length > 0 ? asked : (['agent', 'cli'] as const)).map((name) => bundle(name, external[name])));
