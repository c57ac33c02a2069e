import { command, defineCommand, noun } from '../../command.ts';

export const lockLs = defineCommand({
  name: 'ls',
  summary: 'List locks: who holds which target or workspace, and until when',
  flags: {
    all: { type: 'boolean', summary: 'Those nobody holds too: their fence is how often they changed hands' },
    limit: { type: 'integer', value: 'N', min: 1, default: 100, summary: 'At most so many' },
    cursor: { type: 'string', value: 'KEY', summary: 'Go on where the last list ended' },
  },
  examples: [{ command: 'govctl lock ls', what: 'what is being written to now' }],
});

export const lockBreak = defineCommand({
  name: 'break',
  summary: 'Take a lock away from whoever holds it',
  description:
    'For a holder that is gone and will not come back before its lock expires. The fence moves: what the old holder still writes under the lock is refused, so nothing is written twice. A step of a job that still runs is ended, and fails. Recorded with the reason; whoever waits is asked again.',
  args: { key: { summary: 'Key of the lock, as govctl lock ls shows it' } },
  flags: {
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
    confirm: { type: 'string', value: 'KEY', summary: 'The key once more, instead of being asked' },
  },
  examples: [
    {
      command: 'govctl lock break dataset/default/orders/GDP --reason "the host is gone" --confirm dataset/default/orders/GDP',
      what: 'others may write from now on',
    },
  ],
  exits: ['conflict', 'not-found'],
});

export const lockCommands = [
  noun('lock', 'Who may write a target or workspace now', [
    command(lockLs, () => import('./ls.ts')),
    command(lockBreak, () => import('./break.ts')),
  ]),
];
