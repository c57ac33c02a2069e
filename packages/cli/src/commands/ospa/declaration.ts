import { command, defineCommand, noun } from '../../command.ts';

export const ospaLs = defineCommand({
  name: 'ls',
  summary: 'List build authorizations; none means that nothing is activated',
  examples: [{ command: 'govctl ospa ls', what: 'who authorised what, and why' }],
});

export const ospaAuthorize = defineCommand({
  name: 'authorize',
  summary: 'Authorise builds on what handoff captured; a person only',
  description: 'Recorded as evidence. Services cannot do it, whatever they are granted.',
  args: { object: { summary: 'Object key; everything when left out', optional: true } },
  flags: {
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
    id: { type: 'string', value: 'ID', summary: 'Its id; a new one when left out' },
  },
  examples: [
    { command: 'govctl ospa authorize --reason "governance layer approved on 2026-11-20"', what: 'everything that is captured' },
    { command: 'govctl ospa authorize dot_tools/crm_sync --reason "pilot"', what: 'one object' },
  ],
  exits: ['auth', 'conflict'],
});

export const ospaCommands = [
  noun('ospa', 'Build authorizations', [command(ospaLs, () => import('./ls.ts')), command(ospaAuthorize, () => import('./authorize.ts'))]),
];
