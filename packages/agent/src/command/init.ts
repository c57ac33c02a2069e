import { initStateDir } from '../state/init.ts';

type InitFlags = {
  readonly stateDir: string;
  readonly config?: string;
  readonly environment?: string;
  readonly origin?: string;
  readonly operator: string;
};

/** `govd init`. */
export async function init({ stateDir, config, environment, origin, operator }: InitFlags, now: () => string): Promise<void> {
  const dir = await initStateDir({ root: stateDir, config, environment, origin, operator, now });
  process.stdout.write(
    `state folder ready: ${dir.root}\n  keys, databases, trust root, operator key made\nnext:\n  govd run --state-dir ${dir.root}\n  export GOVCTL_CONFIG=${dir.cliConfig}\n`,
  );
}
