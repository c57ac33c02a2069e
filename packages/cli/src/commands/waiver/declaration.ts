import { command, defineCommand, noun } from '../../command.ts';

const layers = ['RAW', 'GDP', 'KPI'] as const;
const reason = { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' } as const;

export const waiverAdd = defineCommand({
  name: 'add',
  summary: 'Set a gate or rule aside for a dataset, for a limited time',
  description: [
    'For rules of policy packs (rule:PACK/RULE), quality and freshness. What holds up integrity, the single writer or scope cannot be waived. Only people may, with a grant.',
    'A decision that was reached in spite of a waived rule says so: allowed with 1 waiver, expires ... Promotions that wait are asked again at once.',
  ].join('\n\n'),
  args: { rule: { summary: 'Code of the gate or rule, as govctl why names it', completes: 'gate' } },
  flags: {
    dataset: { type: 'string', value: 'D', required: true, summary: 'Dataset it is for', completes: 'dataset' },
    to: { type: 'string', value: 'L', choices: layers, summary: 'Only for promotions to this layer' },
    snapshot: { type: 'string', value: 'S', summary: 'Only for this snapshot', completes: 'snapshot' },
    tenant: { type: 'string', value: 'T', summary: "Tenant; the context's when left out" },
    for: { type: 'duration', value: 'DURATION', summary: 'How long: 12h, 7d; 90d at most' },
    until: { type: 'time', value: 'T', summary: 'Until this moment, instead of --for' },
    reason,
  },
  examples: [
    {
      command:
        'govctl waiver add rule:gdp-default/enough-checks --dataset orders --to KPI --for 7d --reason "second check comes with etl 1.5"',
      what: 'one rule, one layer, a week',
    },
    { command: 'govctl waiver add freshness --dataset orders --snapshot S --for 12h --reason "test host is down"', what: 'one snapshot' },
  ],
});

export const waiverLs = defineCommand({
  name: 'ls',
  summary: 'List waivers, soonest to expire first',
  flags: {
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    expiring: { type: 'duration', value: 'DURATION', summary: 'Only those that run out within this time' },
    all: { type: 'boolean', summary: 'Expired and revoked ones too' },
  },
  examples: [
    { command: 'govctl waiver ls', what: 'what is set aside now, by whom and until when' },
    { command: 'govctl waiver ls --expiring 7d -o name', what: 'what has to be mended this week' },
  ],
});

export const waiverRevoke = defineCommand({
  name: 'revoke',
  summary: 'Take a waiver back before it runs out',
  description: 'Recorded with the reason. Open promotions are judged again without it.',
  args: { waiver: { summary: 'Waiver id' } },
  flags: { reason },
  examples: [
    { command: 'govctl waiver revoke waiver-3f2a90c1d4e50617 --reason "mended in etl 1.5"', what: 'the rule counts again at once' },
  ],
  exits: ['not-found', 'conflict'],
});

export const waiverCommands = [
  noun('waiver', 'Gates and rules set aside for a while', [
    command(waiverAdd, () => import('./add.ts')),
    command(waiverLs, () => import('./ls.ts')),
    command(waiverRevoke, () => import('./revoke.ts')),
  ]),
];
