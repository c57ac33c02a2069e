// Figures, not tests: `npm run bench [-- --only promotion,handoff] [--quick]`. What it finds goes to bench-results/.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });

// The measurements use the agent's own code, whose migrations are imported as text: they are bundled like the programs, and where
// Node finds the libraries that stay outside.
const outdir = join(root, 'test/node_modules/.cache', `bench-${process.pid}`);
mkdirSync(outdir, { recursive: true });
try {
  await build({
    entryPoints: { suite: join(import.meta.dirname, 'suite.ts') },
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['better-sqlite3', 'undici', 'esbuild'],
    loader: { '.sql': 'text', '.yaml': 'text' },
    outExtension: { '.js': '.mjs' },
    sourcemap: 'inline',
    logLevel: 'warning',
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  const { runSuite } = (await import(pathToFileURL(join(outdir, 'suite.mjs')).href)) as typeof import('./suite.ts');
  const only = values.only?.split(',').filter((name) => name !== '');
  process.exitCode = (await runSuite({ root, quick: values.quick, ...(only === undefined ? {} : { only }) })) ? 0 : 1;
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
