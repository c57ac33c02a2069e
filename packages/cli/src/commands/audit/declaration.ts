import { command, defineCommand, noun } from '../../command.ts';

export const reconcile = defineCommand({
  name: 'reconcile',
  summary: 'Compare what should have happened with what did',
  description: [
    'The audit contract of every run (missing, drift, stale, invalid, failed), and the world: promotions against the log, ACTIVE versions against the objects on disk, promotions that were decided and never completed, acts for runs nobody knows, incidents that are gone, handoff, undelivered events, locks, overdue audits. Each finding comes with the command that mends it.',
    '--fix does the safe mends and records them: it finishes or gives up what was left half-way, gives expired locks back, wakes the delivery of events; what it mended is still shown, and no longer counts.',
  ].join('\n\n'),
  flags: {
    run: { type: 'string', value: 'R', summary: 'Only this run', completes: 'run' },
    since: { type: 'time', value: 'T', summary: 'Only runs made since this time' },
    fix: { type: 'boolean', summary: 'Do the safe mends' },
  },
  examples: [
    { command: 'govctl reconcile', what: 'exits 0 only if nothing is found' },
    { command: 'govctl reconcile --run R -o json', what: 'one run, every expectation' },
    { command: 'govctl reconcile --fix', what: 'mend what can be mended safely' },
  ],
  exits: ['findings', 'not-found'],
});

export const auditOverdue = defineCommand({
  name: 'overdue',
  summary: 'List pending audits, overdue ones first',
  description: 'A rollback owes an audit. While one is overdue, nothing is promoted to its target.',
  flags: {
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    all: { type: 'boolean', summary: 'Closed ones too' },
  },
  examples: [{ command: 'govctl audit overdue', what: 'who owes what, until when' }],
});

export const auditClose = defineCommand({
  name: 'close',
  summary: 'Close a pending audit with what was found',
  args: { audit: { summary: 'Audit id' } },
  flags: { reason: { type: 'string', value: 'TEXT', required: true, summary: 'What was found; goes into the record' } },
  examples: [
    { command: 'govctl audit close audit-3f2a90c1d4e50617 --reason "double delivery; supplier informed"', what: 'the duty is done' },
  ],
  exits: ['not-found', 'conflict'],
});

export const auditReports = defineCommand({
  name: 'reports',
  summary: 'List reports of the periodic reconciliation, newest first',
  description: 'govd reconciles everything by itself (audit.reconcile_every); each report is kept, its digest is in the evidence log.',
  flags: { limit: { type: 'integer', value: 'N', min: 1, default: 50, summary: 'At most so many' } },
  examples: [{ command: 'govctl audit reports', what: 'when everything was compared last, and what was found' }],
});

export const auditReport = defineCommand({
  name: 'report',
  summary: 'Show a report of the periodic reconciliation',
  args: { report: { summary: 'Number of the report' } },
  examples: [{ command: 'govctl audit report 12', what: 'every finding of that time' }],
  exits: ['not-found'],
});

/** Stands near the top of the help. */
export const reconcileCommand = command(reconcile, () => import('./reconcile.ts'));

export const auditCommands = [
  noun('audit', 'Audits that rollbacks owe, and reports of reconciliation', [
    command(auditOverdue, () => import('./overdue.ts')),
    command(auditClose, () => import('./close.ts')),
    command(auditReports, () => import('./reports.ts')),
    command(auditReport, () => import('./report.ts')),
  ]),
];
