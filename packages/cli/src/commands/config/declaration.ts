import { command, defineCommand, noun } from '../../command.ts';

const file = {
  summary: 'govd.yaml or a CLI configuration; - is standard input; the CLI configuration in use when left out',
  optional: true,
  completes: 'file',
} as const;

export const configValidate = defineCommand({
  name: 'validate',
  summary: 'Check a configuration file and list everything that is wrong with it',
  description:
    'Works offline, for laptops and CI: all errors at once, each with its path and line. Files that the configuration names are not opened.',
  args: { file },
  examples: [{ command: 'govctl config validate govd.yaml', what: 'before it reaches a daemon' }],
});

export const configShow = defineCommand({
  name: 'show',
  summary: 'Show a configuration, as written or as it counts',
  args: { file },
  flags: {
    effective: { type: 'boolean', summary: 'Every setting as it counts, defaults included' },
    origin: { type: 'boolean', summary: 'Say where each setting comes from: a line of the file, or a default' },
  },
  examples: [{ command: 'govctl config show govd.yaml --effective --origin', what: 'what counts, and why' }],
});

export const configDigest = defineCommand({
  name: 'digest',
  summary: 'Print the digests a run records: of a configuration, and of the parity contract',
  description:
    'The parity contract is what local_parity, dev and prod must share. Two deployments that print the same one rehearse the same thing.',
  args: { file: { ...file, summary: 'govd.yaml; - is standard input; only the parity contract when left out' } },
  examples: [
    { command: 'govctl config digest govd.yaml', what: 'what runs under this configuration will record' },
    { command: 'govctl config digest --field parity_contract', what: 'to compare with another deployment' },
  ],
});

export const configCommands = [
  noun('config', 'Check and show configuration files', [
    command(configValidate, () => import('./validate.ts')),
    command(configShow, () => import('./show.ts')),
    command(configDigest, () => import('./digest.ts')),
  ]),
];
