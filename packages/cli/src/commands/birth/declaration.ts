import { command, defineCommand, noun } from '../../command.ts';

export const birthAdd = defineCommand({
  name: 'add',
  summary: 'Register the birth of an object',
  description: 'Needs a permit for this object, and nothing else: governance can be down, locked or out of disk.',
  args: { key: { summary: 'Object key: printable, without white space, like dot_tools/crm_sync' } },
  flags: {
    type: { type: 'string', value: 'TYPE', required: true, summary: 'Object type: tables, dot_tools, models, ...' },
    permit: {
      type: 'string',
      value: 'PERMIT',
      required: true,
      summary: 'The permit: govctl birth permit issue KEY --type TYPE --reason TEXT',
    },
    'born-at': { type: 'string', value: 'TIME', summary: 'When it was born, RFC 3339 in UTC, up to microseconds; now when left out' },
    payload: { type: 'string', value: 'JSON', summary: 'A JSON object kept with the birth' },
  },
  examples: [{ command: 'govctl birth add dot_tools/crm_sync --type dot_tools --permit single-3f2a', what: 'one birth' }],
  exits: ['not-found'],
});

export const birthPermit = defineCommand({
  name: 'permit',
  summary: 'Issue, list and revoke permits: govctl birth permit issue KEY, ls [KEY], revoke PERMIT',
  description:
    'A permit for one object is bound to its key and type and used once. A bulk permit admits many births, for imports. ' +
    'Permits are sealed: one that was made or changed past govd admits nothing. Issue and revocation are recorded as evidence, and wait for governance no more than births do.',
  args: {
    action: { summary: 'issue, ls or revoke' },
    key: { summary: 'issue: object key, none with --bulk. ls: only of this object. revoke: the permit', optional: true },
  },
  flags: {
    type: { type: 'string', value: 'TYPE', summary: 'Object type' },
    bulk: { type: 'boolean', summary: 'A bulk permit, for any objects' },
    max: { type: 'integer', value: 'N', min: 1, summary: 'With --bulk: how many births it admits' },
    reason: { type: 'string', value: 'TEXT', summary: 'Why; is recorded. Needed to issue and to revoke' },
    'expires-in': { type: 'duration', value: 'DURATION', summary: 'How long it is valid; until it is used when left out' },
    id: { type: 'string', value: 'PERMIT', summary: 'Its id; a new one when left out' },
    limit: { type: 'integer', value: 'N', min: 1, summary: 'With ls: at most this many, up to 500; 50 when left out' },
  },
  examples: [
    { command: 'govctl birth permit issue dot_tools/crm_sync --type dot_tools --reason "CRM roll-out"', what: 'one birth' },
    { command: 'govctl birth permit issue --bulk --max 70434 --expires-in 1h --reason "first load"', what: 'an import' },
    { command: 'govctl birth permit revoke single-3f2a --reason "issued for the wrong object"', what: 'it admits nothing from now on' },
  ],
  exits: ['not-found', 'conflict'],
});

export const birthCommands = [
  noun('birth', 'Births of objects, and what admits them', [
    command(birthAdd, () => import('./add.ts')),
    command(birthPermit, () => import('./permit.ts')),
  ]),
];
