import { command, defineCommand } from '../../command.ts';
import { run as runVersion } from './version.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'Show how govd is and what waits for somebody',
  description:
    'Shows the daemon, whether it is ready, and what needs attention: open promotions, holds, overdue audits, handoff coverage. A question you may not ask is left out.',
  examples: [
    { command: 'govctl status', what: 'is it well, and is anything waiting' },
    { command: 'govctl status --field ready', what: 'one word, for a script' },
  ],
});

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Check configuration, connection and daemon, and say how to mend what is wrong',
  description: [
    'Every check passes, warns or fails; what is wrong comes with a command that mends it. A govd that runs looks at its own host: disks, clock,',
    'keys, schema, log against second place, limits. With govd down its program looks at the state folder, where this user may read it.',
  ].join('\n'),
  flags: {
    'state-dir': {
      type: 'string',
      value: 'DIR',
      summary: 'State folder to look at too; with govd down the one beside the socket when left out',
      completes: 'file',
    },
    govd: {
      type: 'string',
      value: 'PROGRAM',
      summary: 'The govd that looks at it; beside govctl, then on the PATH, when left out',
      env: 'GOVCTL_GOVD',
      completes: 'file',
    },
  },
  examples: [
    { command: 'govctl doctor', what: 'when something does not work' },
    { command: 'govctl doctor -o json', what: 'for a bug report' },
  ],
  exits: ['findings'],
});

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

export const completion = defineCommand({
  name: 'completion',
  summary: 'Print the completion script of a shell',
  args: { shell: { summary: 'bash, zsh or fish', completes: 'shell' } },
  examples: [
    { command: 'source <(govctl completion bash)', what: 'this shell' },
    { command: 'govctl completion zsh > ~/.zfunc/_govctl', what: 'every zsh, with ~/.zfunc in $fpath' },
    { command: 'govctl completion fish > ~/.config/fish/completions/govctl.fish', what: 'every fish' },
  ],
});

export const help = defineCommand({
  name: 'help',
  summary: 'Explain a command or a topic',
  description: 'Topics: exit-codes, environment, output, formatting, contexts, events. Without one, shows all commands.',
  args: { topic: { summary: 'A topic, or the words of a command', optional: true, variadic: true, completes: 'topic' } },
  examples: [
    { command: 'govctl help exit-codes', what: 'what each exit code means' },
    { command: 'govctl help context add', what: 'the same as govctl context add --help' },
  ],
});

export const generalCommands = [
  command(status, () => import('./status.ts')),
  command(doctor, () => import('./doctor.ts')),
  // Not lazily: it is smaller than the file it would be.
  command(version, async () => ({ run: runVersion })),
  command(completion, () => import('./completion.ts')),
  command(help, () => import('./help.ts')),
];
