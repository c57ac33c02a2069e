import { command, defineCommand, noun } from '../../command.ts';

export const alertLs = defineCommand({
  name: 'ls',
  summary: 'List what fires, who was told, and what was kept quiet and why',
  description:
    'An alert is one row a key, however often it fires. Told once in 60 s, and by domain at most once in its cooldown; what was kept back is told when that is over. What was suppressed is counted by reason: DUPLICATE, DOMAIN_COOLDOWN, TENANT_RATE_LIMIT, DISABLED, SILENCED, PARENT_FIRING.',
  flags: {
    tenant: { type: 'string', value: 'T', summary: 'Of this tenant', default: 'default' },
    all: { type: 'boolean', summary: 'Those that are over too' },
  },
  examples: [
    { command: 'govctl alert ls', what: 'what is wrong now' },
    { command: 'govctl alert ls --all -o json', what: 'what was, too, for a script' },
  ],
});

export const alertSilence = defineCommand({
  name: 'silence',
  summary: 'Tell nobody of an alert for some time',
  description: 'Recorded with the reason. It goes on being counted, and is told when the time is over and it still fires.',
  args: { key: { summary: 'Key of the alert, as alert ls shows it' } },
  flags: {
    for: { type: 'duration', value: 'DURATION', required: true, summary: 'How long: 1h, 2d; 30d at most' },
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
    tenant: { type: 'string', value: 'T', summary: 'Of this tenant', default: 'default' },
  },
  examples: [
    { command: 'govctl alert silence run.failed/orders/GDP --for 1h --reason "etl is being mended"', what: 'while somebody is at it' },
  ],
  exits: ['not-found', 'conflict'],
});

export const alertCommands = [
  noun('alert', 'What fires, and who is told', [
    command(alertLs, () => import('./ls.ts')),
    command(alertSilence, () => import('./silence.ts')),
  ]),
];
