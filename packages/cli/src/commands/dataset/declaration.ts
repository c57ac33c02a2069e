import { command, defineCommand, noun } from '../../command.ts';

const tenant = { type: 'string', value: 'T', summary: "Tenant; the context's when left out" } as const;
const layer = { type: 'string', value: 'L', choices: ['RAW', 'GDP', 'KPI'], summary: 'Only this layer' } as const;
const args = { dataset: { summary: 'Dataset', completes: 'dataset' } } as const;

export const datasetLs = defineCommand({
  name: 'ls',
  summary: 'List datasets and what is ACTIVE in each layer',
  flags: { tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' } },
  examples: [{ command: 'govctl dataset ls', what: 'everything, at a glance' }],
});

export const datasetActive = defineCommand({
  name: 'active',
  summary: 'Show what is ACTIVE in each layer of a dataset, now or at a time',
  args,
  flags: { layer, tenant, at: { type: 'time', value: 'T', summary: 'As it was at this time' } },
  examples: [
    { command: 'govctl dataset active orders --layer KPI --field layers[].snapshot_id', what: 'the snapshot figures are read from' },
    { command: 'govctl dataset active orders --at 2026-11-01T00:00:00Z', what: 'what was ACTIVE then' },
  ],
  exits: ['not-found'],
});

export const datasetHistory = defineCommand({
  name: 'history',
  summary: 'Show every move of the layers of a dataset, oldest first',
  args,
  flags: { layer, tenant, at: { type: 'time', value: 'T', summary: 'Only what had happened by this time' } },
  examples: [{ command: 'govctl dataset history orders --layer GDP', what: 'each generation, and the decision that put it there' }],
  exits: ['not-found'],
});

export const datasetCommands = [
  noun('dataset', 'See what is ACTIVE, and what was', [
    command(datasetLs, () => import('./ls.ts')),
    command(datasetActive, () => import('./active.ts')),
    command(datasetHistory, () => import('./history.ts')),
  ]),
];
