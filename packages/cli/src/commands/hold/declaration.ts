import { command, defineCommand, noun } from '../../command.ts';

export const holdLs = defineCommand({
  name: 'ls',
  summary: 'List targets on hold: nothing is promoted to them',
  flags: {
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    all: { type: 'boolean', summary: 'Lifted ones too' },
  },
  examples: [{ command: 'govctl hold ls', what: 'what is on hold, and why' }],
});

export const holdPlace = defineCommand({
  name: 'place',
  summary: 'Put a target on hold',
  description: [
    'Nothing is promoted to it until the hold is lifted; runs that ask for it are deferred. While a dataset has a hold on any layer, none of its',
    'evidence is erased under a retention rule: a legal hold. Recorded with the reason.',
  ].join('\n'),
  flags: {
    dataset: { type: 'string', value: 'D', required: true, summary: 'Dataset', completes: 'dataset' },
    layer: { type: 'string', value: 'LAYER', choices: ['RAW', 'GDP', 'KPI'], required: true, summary: 'Layer that nothing is promoted to' },
    tenant: { type: 'string', value: 'T', default: 'default', summary: 'Tenant' },
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
  },
  examples: [
    { command: 'govctl hold place --dataset orders --layer KPI --reason "litigation 2026-114"', what: 'keep the evidence of a dataset' },
  ],
  exits: ['not-found'],
});

export const holdLift = defineCommand({
  name: 'lift',
  summary: 'Let a target be promoted to again',
  description: 'Recorded with the reason. Deferred runs of the target are asked again at once.',
  args: { hold: { summary: 'Hold id' } },
  flags: { reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' } },
  examples: [
    { command: 'govctl hold lift hold-3f2a90c1d4e50617 --reason "cause mended in etl 1.4.2"', what: 'after a rollback was understood' },
  ],
  exits: ['not-found', 'conflict'],
});

export const holdCommands = [
  noun('hold', 'Keep targets, and the evidence of their datasets, as they are', [
    command(holdLs, () => import('./ls.ts')),
    command(holdPlace, () => import('./place.ts')),
    command(holdLift, () => import('./lift.ts')),
  ]),
];
