import { command, defineCommand, noun } from '../../command.ts';

const trust = {
  type: 'string',
  value: 'FILE',
  summary: "Trust root that counts, instead of the context's; without either, the one inside shows only that it is of one piece",
  completes: 'file',
} as const;

export const backupCreate = defineCommand({
  name: 'create',
  summary: 'Copy a running deployment into one file: databases, objects, configuration, trust root',
  description: [
    'govd goes on meanwhile, births and promotions too. The databases are copied as they were at one moment, every digest is checked while',
    'the file is written, and the file appears whole or not at all. It is on record who made it, before the first byte and with the digest',
    'of its manifest before the last. Private keys are not in it, unless somebody who can read the files asks for them.',
  ].join('\n'),
  flags: {
    out: {
      type: 'string',
      value: 'FILE',
      short: 'O',
      required: true,
      summary: 'New file: .tar, .tar.gz or .tar.zst; what it ends in says how it is packed',
      completes: 'file',
    },
    'private-keys': {
      type: 'string',
      value: 'DIR',
      summary: 'Put the private keys of this folder (D/keys) in too. Whoever has the file can then sign as this deployment',
      completes: 'file',
    },
    trust,
  },
  examples: [
    { command: 'govctl backup create -O govd.tar.zst', what: 'every night; the keys were put away once' },
    { command: 'govctl backup create -O whole.tar --private-keys /var/lib/govd/keys', what: 'all it takes to come back, for a safe' },
  ],
  exits: ['findings', 'integrity', 'conflict'],
});

export const backupInspect = defineCommand({
  name: 'inspect',
  summary: 'Read a backup from end to end, verify every digest, and show what is in it',
  description:
    'Needs no daemon and writes nothing: objects against their names, files against the manifest, the manifest against its record.',
  args: { file: { summary: 'Backup', completes: 'file' } },
  flags: { trust },
  examples: [
    { command: 'govctl backup inspect govd.tar.zst --trust trust.json -o json', what: 'is it whole, and of which head of the log' },
  ],
  exits: ['integrity'],
});

export const backupRestore = defineCommand({
  name: 'restore',
  summary: 'Make a state folder from a backup',
  description: [
    'Reads and verifies everything into a new or empty folder, brings the databases to the schema of the govd of this machine, has it verify',
    'the whole log, and only then puts the state in its place. Says what to do next: a restored log goes on after `govd log adopt`.',
  ].join('\n'),
  args: { file: { summary: 'Backup', completes: 'file' } },
  flags: {
    'state-dir': { type: 'string', value: 'DIR', required: true, summary: 'New or empty folder', completes: 'file' },
    keys: { type: 'string', value: 'DIR', summary: 'Folder with the private keys, where they are not in the backup', completes: 'file' },
    'dry-run': { type: 'boolean', summary: 'Verify the backup and look at the target; write nothing' },
    govd: {
      type: 'string',
      value: 'PROGRAM',
      summary: 'The govd that will run on it; beside govctl, then on the PATH, when left out',
      env: 'GOVCTL_GOVD',
      completes: 'file',
    },
    trust,
  },
  examples: [
    { command: 'govctl backup restore govd.tar.zst --state-dir /var/lib/govd --dry-run', what: 'would it work' },
    { command: 'govctl backup restore govd.tar.zst --state-dir D --keys /media/safe/keys', what: 'with the keys that were put away' },
  ],
  exits: ['integrity', 'conflict'],
});

export const backupCommands = [
  noun('backup', 'Copies of a whole deployment', [
    command(backupCreate, () => import('./create.ts')),
    command(backupInspect, () => import('./inspect.ts')),
    command(backupRestore, () => import('./restore.ts')),
  ]),
];
