import { command, defineCommand, noun } from '../../command.ts';

export const apikeyAdd = defineCommand({
  name: 'add',
  summary: 'Issue an API key',
  description: 'The secret is shown once and kept nowhere: govd stores its hash. Nobody grants more than they have.',
  flags: {
    actor: { type: 'string', value: 'ACTOR', required: true, summary: 'SYSTEM::<service> or HUMAN::<id>' },
    action: { type: 'list', value: 'ACTION', required: true, summary: 'promotion.request, promotion.* or *; repeat for more' },
    tenant: { type: 'list', value: 'T', summary: 'Tenants it may act for; default when left out, * for all' },
    dataset: { type: 'list', value: 'D', summary: 'Datasets it may act on; * (all) when left out', completes: 'dataset' },
    'expires-in': { type: 'duration', value: 'DURATION', summary: 'How long it is valid, like 90d; for ever when left out' },
    out: {
      type: 'string',
      value: 'FILE',
      short: 'O',
      summary: 'Write the secret to a new file (0600) instead of showing it',
      completes: 'file',
    },
  },
  examples: [
    {
      command: 'govctl apikey add --actor SYSTEM::etl --action snapshot.* --action promotion.request --dataset orders -O etl.apikey',
      what: 'a pipeline',
    },
    { command: 'govctl apikey add --actor HUMAN::ada --action "*" --tenant "*" --expires-in 30d', what: 'an operator, for a month' },
  ],
  exits: ['auth', 'conflict'],
});

export const apikeyLs = defineCommand({
  name: 'ls',
  summary: 'List API keys and what each may do',
  flags: {
    actor: { type: 'string', value: 'ACTOR', summary: 'Only keys of this actor' },
    all: { type: 'boolean', summary: 'Revoked ones too' },
  },
  examples: [{ command: 'govctl apikey ls --all -o json', what: 'for an audit' }],
});

export const apikeyRevoke = defineCommand({
  name: 'revoke',
  summary: 'Take an API key back, for ever',
  args: { key: { summary: 'Key id' } },
  flags: {
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
    confirm: { type: 'string', value: 'KEY', summary: 'The key id once more, instead of being asked' },
  },
  examples: [
    { command: 'govctl apikey revoke 3f2a90c1d4e5 --reason "laptop lost" --confirm 3f2a90c1d4e5', what: 'from now on it opens nothing' },
  ],
  exits: ['not-found'],
});

export const apikeyCommands = [
  noun('apikey', 'Static API keys of local_parity', [
    command(apikeyAdd, () => import('./add.ts')),
    command(apikeyLs, () => import('./ls.ts')),
    command(apikeyRevoke, () => import('./revoke.ts')),
  ]),
];
