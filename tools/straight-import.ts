import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

/** The names a module exports as values. The house style has three ways to: declarations, lists, and `export *` in an index. */
function valuesOf(file: string): Map<string, string> {
  const text = readFileSync(file, 'utf8');
  const found = new Map<string, string>();
  for (const [, name = ''] of text.matchAll(/^export (?:async )?(?:const|let|function\*?|class) (\w+)/gm)) found.set(name, file);
  for (const [, from = ''] of text.matchAll(/^export \* from '(\.[^']+)'/gm))
    for (const [name, at] of valuesOf(join(file, '..', from))) found.set(name, at);
  for (const [, list = '', from] of text.matchAll(/^export \{([^}]*)\}(?: from '(\.[^']+)')?/gm))
    for (const [name] of valuesIn(list)) found.set(name, from === undefined ? file : join(file, '..', from));
  return found;
}

/** The values of a list of imports or exports, as `[name, name here]`. */
function valuesIn(list: string): [string, string][] {
  const names = list.split(',').map((each) => each.trim());
  return names
    .filter((each) => each !== '' && !each.startsWith('type '))
    .map((each) => {
      const [name = '', here = name] = each.split(' as ');
      return [name, here];
    });
}

/**
 * Imports of our own sources, told straight. Two kinds of them make a program read what it does not need:
 *
 * - from an index of core: esbuild drops what nobody uses, but shares out among chunks by whole files, so that whatever an index names is
 *   read by everybody who imports one thing of it. They go to the file that has the name.
 * - from Node: an import statement makes Node copy a module's exports. They are taken as they are; functions of a module in `whenCalled`
 *   are asked for with their first call, so that who never calls one never loads it.
 */
export const straightImports = (root: string, whenCalled: readonly string[]): Plugin => ({
  name: 'straight-imports',
  setup: (setup) => {
    const indexes = new Map<string, Map<string, string>>();
    const fromIndex = (list: string, folder: string, path: string) => {
      const values = indexes.get(folder) ?? valuesOf(join(root, 'packages/core/src', folder, 'index.ts'));
      indexes.set(folder, values);
      return valuesIn(list).map(([name, here]) => {
        const file = values.get(name);
        if (file === undefined) throw new Error(`${path}: @govctl/core/${folder} exports no value ${name}; is it a type?`);
        return `import { ${name} as ${here} } from ${JSON.stringify(file)};`;
      });
    };
    const fromNode = (list: string, name: string) =>
      valuesIn(list).map(([taken, here]) => {
        const it = `process.getBuiltinModule('${name}').${taken}`;
        const later = whenCalled.includes(name) && /^[a-z]/.test(taken) && taken !== 'constants';
        // Pure, so that a name nobody uses is dropped with its module.
        return later ? `const ${here} = (...given) => ${it}(...given);` : `const ${here} = /* @__PURE__ */ (() => ${it})();`;
      });
    const sources = /^import \{([^}]*)\} from '(node:[^']+|@govctl\/core\/([^']+))';/gm;
    setup.onLoad({ filter: /\/packages\/(?:agent|cli|core)\/src\/.*\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8').replace(sources, (whole: string, list: string, from: string, folder = '') => {
        if (folder !== '' && !existsSync(join(root, 'packages/core/src', folder, 'index.ts'))) return whole;
        const told = folder === '' ? fromNode(list, from) : fromIndex(list, folder, path);
        // As many lines as before: what is said of a line stays true.
        return told.join(' ') + '\n'.repeat(whole.split('\n').length - 1);
      });
      return { contents, loader: 'ts' };
    });
  },
});
