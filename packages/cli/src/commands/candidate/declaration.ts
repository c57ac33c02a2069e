import { command, defineCommand, noun } from '../../command.ts';
import { gateFormats } from '../../flag.ts';

export const candidateLs = defineCommand({
  name: 'ls',
  summary: 'List what handoff captured, in key order',
  flags: {
    status: {
      type: 'string',
      value: 'STATUS',
      choices: ['captured', 'activated', 'retired', 'unborn'],
      summary: 'captured, activated, retired or unborn',
    },
    type: { type: 'string', value: 'TYPE', summary: 'Only objects of this type' },
    limit: { type: 'integer', value: 'N', min: 1, default: 50, summary: 'At most this many, up to 500' },
    cursor: { type: 'string', value: 'CURSOR', summary: 'Go on where the last list ended' },
  },
  examples: [
    { command: 'govctl candidate ls --type dot_tools --status captured', what: 'tools that wait for activation' },
    { command: 'govctl candidate ls -o name | head', what: 'keys only' },
  ],
});

export const candidateGet = defineCommand({
  name: 'get',
  summary: 'Show a candidate and its events',
  args: { key: { summary: 'Object key' } },
  examples: [{ command: 'govctl candidate get dot_tools/crm_sync', what: 'captured, activated or retired, and since when' }],
  exits: ['not-found'],
});

export const candidateActivate = defineCommand({
  name: 'activate',
  summary: 'Decide on a candidate, record the decision and, when allowed, activate it',
  description:
    'Needs a captured candidate, coverage ok, a build authorization (OSPA) and, where its event type is active, no event of it that waits.',
  args: { key: { summary: 'Object key' } },
  flags: { 'dry-run': { type: 'boolean', summary: 'What the decision would be now; nothing is recorded' } },
  examples: [
    { command: 'govctl candidate activate dot_tools/crm_sync --dry-run', what: 'what is missing' },
    { command: 'govctl candidate activate dot_tools/crm_sync', what: 'a signed, recorded decision' },
  ],
  exits: ['deny', 'defer', 'not-found', 'conflict'],
  formats: gateFormats,
});

export const candidateCommands = [
  noun('candidate', 'Objects on their way from birth to use', [
    command(candidateLs, () => import('./ls.ts')),
    command(candidateGet, () => import('./get.ts')),
    command(candidateActivate, () => import('./activate.ts')),
  ]),
];
