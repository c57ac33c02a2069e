import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { daemonProgram } from '../../packages/agent/src/program.ts';

/** govd's command line as it is declared, read from source: migrations and units are texts there, as the build makes them. */
export async function daemonCommandLine(): Promise<{
  readonly program: ReturnType<typeof daemonProgram>;
  readonly exits: Readonly<Record<string, number>>;
}> {
  const hooks = registerHooks({
    load(url, context, next) {
      if (!url.startsWith('file:') || /\.([cm]?[jt]s|json|node|wasm)$/.test(url)) return next(url, context);
      const source = `export default ${JSON.stringify(readFileSync(fileURLToPath(url), 'utf8'))};`;
      return { format: 'module', source, shortCircuit: true };
    },
  });
  try {
    const { daemonProgram } = await import('../../packages/agent/src/program.ts');
    const { daemonExit } = await import('../../packages/agent/src/command/report.ts');
    return { program: daemonProgram(), exits: daemonExit };
  } finally {
    hooks.deregister();
  }
}
