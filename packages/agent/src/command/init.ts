import type { Command } from 'commander';
import { initStateDir } from '../state/init.ts';

type InitFlags = {
  readonly stateDir: string;
  readonly config?: string;
  readonly environment?: string;
  readonly origin?: string;
  readonly operator: string;
};

export function addInit(program: Command, now: () => string): void {
  program
    .command('init')
    .description('Make a state folder: keys, databases, an operator API key and a CLI configuration')
    .requiredOption('--state-dir <dir>', 'new or empty folder')
    .option('--config <file>', 'govd.yaml to start from: where state is kept (store.postgres), and everything else')
    .option('--environment <name>', 'local_parity, dev or prod; local_parity unless the configuration says')
    .option('--origin <name>', 'name of the evidence log; govctl.local/log unless the configuration says')
    .option('--operator <actor>', 'first operator', 'HUMAN::operator')
    .action(async ({ stateDir, config, environment, origin, operator }: InitFlags) => {
      const dir = await initStateDir({ root: stateDir, config, environment, origin, operator, now });
      process.stdout.write(
        `state folder ready: ${dir.root}\n  keys, databases, trust root, operator key made\nnext:\n  govd run --state-dir ${dir.root}\n  export GOVCTL_CONFIG=${dir.cliConfig}\n`,
      );
    });
}
