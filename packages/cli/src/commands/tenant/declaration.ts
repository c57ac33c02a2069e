import { command, defineCommand, noun } from '../../command.ts';

const reason = { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' } as const;

export const tenantLs = defineCommand({
  name: 'ls',
  summary: 'List suspended tenants',
  flags: {
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    all: { type: 'boolean', summary: 'Suspensions that ended too' },
    limit: { type: 'integer', value: 'N', min: 1, default: 100, summary: 'At most so many' },
  },
  examples: [{ command: 'govctl tenant ls', what: 'who may run nothing now, and why' }],
});

export const tenantSuspend = defineCommand({
  name: 'suspend',
  summary: 'Let a tenant run nothing',
  description:
    'New promotions and jobs are denied, deferred ones are asked again and denied, running jobs are terminated at their next check. What is ACTIVE stays, births go on, and rollbacks are still answered. Recorded with the reason.',
  args: { tenant: { summary: 'Tenant' } },
  flags: { reason, confirm: { type: 'string', value: 'TENANT', summary: 'The tenant once more, instead of being asked' } },
  examples: [{ command: 'govctl tenant suspend acme --reason "keys leaked" --confirm acme', what: 'nothing of theirs runs any more' }],
  exits: ['auth', 'conflict'],
});

export const tenantResume = defineCommand({
  name: 'resume',
  summary: 'Let a suspended tenant run again',
  description: 'Runs that were denied meanwhile stay denied: they are asked for again with a new run_id.',
  args: { tenant: { summary: 'Tenant' } },
  flags: { reason },
  examples: [{ command: 'govctl tenant resume acme --reason "keys replaced"', what: 'from now on' }],
  exits: ['auth', 'conflict', 'not-found'],
});

export const tenantCommands = [
  noun('tenant', 'Tenants that may run nothing', [
    command(tenantLs, () => import('./ls.ts')),
    command(tenantSuspend, () => import('./suspend.ts')),
    command(tenantResume, () => import('./resume.ts')),
  ]),
];
