import { command, defineCommand, noun } from '../../command.ts';

export const selftestParity = defineCommand({
  name: 'parity',
  summary: 'Check that govd decides as this govctl does, digest for digest',
  description: [
    'Decides every case of the built-in corpus here and has govd decide the same facts; then takes the facts of real snapshots, as govd reads',
    'them for its own gate, and decides those here too. Nothing is recorded. Exit 20 when one digest differs.',
  ].join('\n'),
  flags: {
    snapshots: { type: 'integer', value: 'N', min: 0, default: 10, summary: 'How many of the newest snapshots to ask about' },
  },
  examples: [
    { command: 'govctl selftest parity', what: 'after an upgrade of either side' },
    { command: 'govctl selftest parity --snapshots 0 -o json', what: 'the corpus only' },
  ],
  exits: ['integrity'],
});

export const selftestCommands = [
  noun('selftest', 'Checks of govctl and govd against each other', [command(selftestParity, () => import('./parity.ts'))]),
];
