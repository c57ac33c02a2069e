// Bundles the two programs into packages/*/dist. Types are checked by tsc, not here: a build takes a blink.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

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

async function bundle(name: 'agent' | 'cli', external: string[]): Promise<void> {
  const dist = join(root, 'packages', name, 'dist');
  rmSync(dist, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: { main: join(root, 'packages', name, 'src', 'main.ts') },
    outdir: dist,
    chunkNames: 'chunk/[name]-[hash]',
    external,
    loader: { '.sql': 'text' },
    define: { __VERSION__: JSON.stringify(manifest(name).version) },
  });
}

// The daemon's libraries stay outside its bundle: a native addon and a logger that starts workers are among them.
const agentDependencies = Object.keys(manifest('agent').dependencies ?? {}).filter((dependency) => !dependency.startsWith('@govctl/'));
await Promise.all([bundle('agent', agentDependencies), bundle('cli', [])]);
