// Bundles the two programs into packages/*/dist. Types are checked by tsc, not here: a build takes a blink.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { straightImports } from './straight-import.ts';

const root = join(import.meta.dirname, '..');

type Manifest = { version: string; dependencies?: Record<string, string> };

function manifest(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest;
}

/** zod brings its messages in fifty languages; ours are English, and the others are three quarters of its size. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: (setup) => {
    setup.onResolve({ filter: /locales\/index\.(c?js|mjs)$/ }, ({ path, importer }) =>
      importer.includes('/zod/') ? { path, namespace: 'no-locales' } : undefined,
    );
    setup.onLoad({ filter: /.*/, namespace: 'no-locales' }, () => ({ contents: 'export {};' }));
  },
};

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.12',
  splitting: true,
  // Identifiers stay: names in stack traces for nothing, where keepNames sets each one at start.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [englishOnly],
  // Bundled CommonJS libraries call require() for Node's own modules.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
};

type Program = 'agent' | 'cli';

/**
 * Node's own modules in what libraries import, taken as they are: an import statement makes Node build a copy of each one's exports
 * first, which costs a fifth of the start, and reads lazy ones: that of node:http loads the whole of fetch.
 */
const builtinsWithoutCopy = (leftOut: readonly string[] = []): Plugin => ({
  name: 'builtins-without-copy',
  setup: (setup) => {
    // A require() of one wants the module itself: that of node:events is a class.
    setup.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'require-call' ? { path, external: true } : { path, namespace: 'builtin' },
    );
    setup.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => /^[A-Za-z_]\w*$/.test(name) && name !== 'default');
      const get = leftOut.includes(path) ? '{}' : `/* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)})`;
      return {
        contents: `const m = ${get};\nexport default m;\n${names.map((name) => `export const ${name} = /* @__PURE__ */ (() => m.${name})();\n`).join('')}`,
      };
    });
  },
});

/**
 * Start-up is a feature: what every start needs is one file, and what it imports lazily is a second bundle of its own. With
 * splitting alone the start would read a dozen small shared chunks one after the other. A few small modules are in both.
 */
async function buildQuickStart(options: BuildOptions, main: Record<string, string>, src: string, straight: Plugin): Promise<void> {
  const lazy = new Map<string, string>();
  const leaveLazy: Plugin = {
    name: 'leave-lazy',
    setup: (setup) => {
      setup.onResolve({ filter: /.*/ }, ({ path, kind, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const file = join(resolveDir, path);
        if (!path.startsWith('.'))
          return { errors: [{ text: `${path}: import a library statically, in a module that is imported lazily` }] };
        const name = `lazy/${relative(src, file).replace(/\.ts$/, '')}`;
        lazy.set(name, file);
        return { path: `./${name}.js`, external: true };
      });
    },
  };
  await build({
    ...options,
    entryPoints: main,
    splitting: false,
    // commander imports child_process only to start subcommands that are programs of their own; we have none.
    plugins: [leaveLazy, builtinsWithoutCopy(['node:child_process']), straight, englishOnly],
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
  await build({ ...options, entryPoints: Object.fromEntries(lazy), plugins: [builtinsWithoutCopy(), straight, englishOnly] });
}

/** Builds beside the old bundle and swaps folders, so that a program started meanwhile finds a whole one. */
async function bundle(name: Program, external: string[]): Promise<void> {
  const home = join(root, 'packages', name);
  const [dist, fresh, old] = [join(home, 'dist'), join(home, `dist.new-${process.pid}`), join(home, `dist.old-${process.pid}`)];
  try {
    const options: BuildOptions = {
      ...common,
      outdir: fresh,
      chunkNames: 'chunk/[name]-[hash]',
      external,
      loader: { '.sql': 'text', '.yaml': 'text', '.service': 'text', '.socket': 'text', '.conf': 'text' },
      define: { __VERSION__: JSON.stringify(manifest(name).version) },
    };
    const main = { main: join(home, 'src', 'main.ts') };
    await buildQuickStart(
      options,
      main,
      join(home, 'src'),
      straightImports(root, name === 'cli' ? ['node:crypto', 'node:fs/promises'] : []),
    );
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
  } finally {
    rmSync(old, { recursive: true, force: true });
    rmSync(fresh, { recursive: true, force: true });
  }
}

// What has native code stays outside the daemon's bundle, and what pg would use on other platforms. Everything else is in it: a server
// of four hundred files takes longer to find than to run, and zod outside brings its fifty languages.
const external: Record<Program, string[]> = {
  agent: ['better-sqlite3', 'koffi', 'pg-native', 'pg-cloudflare'],
  cli: [],
};

/** When a file or folder of these last changed; a folder changes when something in it comes, goes or is renamed. */
function changedAt(...paths: string[]): number {
  return Math.max(
    ...paths.map((path) => {
      const stat = statSync(path);
      if (!stat.isDirectory()) return stat.mtimeMs;
      const inside = readdirSync(path).filter((name) => name !== 'node_modules');
      return Math.max(stat.mtimeMs, ...inside.map((name) => changedAt(join(path, name))));
    }),
  );
}

/** Whether a bundle is missing, or older than anything it may be made from. */
function isStale(name: Program): boolean {
  const made = join(root, 'packages', name, 'dist', 'main.js');
  if (!existsSync(made)) return true;
  const sources = [name, 'core'].flatMap((each) => [join(root, 'packages', each, 'src'), join(root, 'packages', each, 'package.json')]);
  return (
    changedAt(...sources, join(root, 'fixtures'), join(root, 'packaging'), join(root, 'pnpm-lock.yaml'), import.meta.dirname) >=
    statSync(made).mtimeMs
  );
}

const ifStale = process.argv.includes('--if-stale');
const asked = process.argv.slice(2).filter((name): name is Program => name in external);
const wanted = (asked.length > 0 ? asked : (['agent', 'cli'] as const)).filter((name) => !ifStale || isStale(name));
await Promise.all(wanted.map((name) => bundle(name, external[name])));
