import { command, defineCommand, noun } from '../../command.ts';

const runArgument = { summary: 'run_id of a promotion or rollback', completes: 'run' } as const;

export const runReceipt = defineCommand({
  name: 'receipt',
  summary: 'Show what a run leaves for a person: how it ended, why, what to do, and how to prove it',
  description: [
    'Finite, whatever the run did. -o html is a page that needs nothing from anywhere and can be mailed, kept and printed; -o json is the same as a document.',
    '--web serves the page once on this machine, at an address nobody can guess, and ends when it was fetched. --open also opens a browser there, on a terminal only.',
  ].join('\n\n'),
  args: { run: runArgument },
  flags: {
    details: { type: 'boolean', summary: 'On a terminal: the watch list, ids, digests and phases too' },
    web: { type: 'boolean', summary: 'Serve the page once on 127.0.0.1, and print its address' },
    open: { type: 'boolean', summary: 'With --web: open a browser at it; only on a terminal' },
    timeout: {
      type: 'duration',
      value: 'DURATION',
      default: '5m',
      summary: 'With --web: how long to wait for a browser',
      env: 'GOVCTL_TIMEOUT',
    },
  },
  examples: [
    { command: 'govctl run receipt R', what: 'on a terminal, or through a pipe' },
    { command: 'govctl run receipt R -o html > receipt.html', what: 'a page to keep or to mail' },
    { command: 'govctl run receipt R --web', what: 'in a browser on this machine' },
    { command: 'govctl run receipt R --field next.command', what: 'what to do next, for a script' },
  ],
  exits: ['not-found', 'timeout'],
  formats: ['html'],
});

export const runCommands = [noun('run', 'Runs of every kind, and what they leave', [command(runReceipt, () => import('./receipt.ts'))])];
