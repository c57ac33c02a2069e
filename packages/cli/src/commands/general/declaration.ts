import { command, defineCommand } from '../../command.ts';

export const version = defineCommand({
  name: 'version',
  summary: 'Show the version of govctl, and of govd',
  flags: { daemon: { type: 'boolean', summary: 'Ask govd for its version and API window too, and check that they fit' } },
  examples: [
    { command: 'govctl version', what: 'this program only; works without a daemon' },
    { command: 'govctl version --daemon -o json', what: 'both, for a bug report' },
  ],
  exits: ['unreachable', 'incompatible'],
});

export const generalCommands = [command(version, () => import('./version.ts'))];
