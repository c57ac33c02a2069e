import { command, defineCommand, noun } from '../../command.ts';

export const incidentLs = defineCommand({
  name: 'ls',
  summary: 'List incidents, newest first',
  description:
    'A run that is denied, fails, is never finalized or loses its trace opens one, in the same commit. Open ones, unless --all is given.',
  flags: {
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset or workspace', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    run: { type: 'string', value: 'R', summary: 'Only of this run', completes: 'run' },
    all: { type: 'boolean', summary: 'Resolved ones too' },
    limit: { type: 'integer', value: 'N', min: 1, default: 50, summary: 'At most so many' },
    cursor: { type: 'string', value: 'C', summary: 'Go on where the last list ended' },
  },
  examples: [
    { command: 'govctl incident ls', what: 'what nobody has looked at yet' },
    { command: 'govctl incident ls --run R --all', what: 'what went wrong in a run' },
  ],
});

export const incidentGet = defineCommand({
  name: 'get',
  summary: 'Show an incident',
  args: { incident: { summary: 'Incident id' } },
  examples: [{ command: 'govctl incident get incident-3f2a90c1d4e50617', what: 'what happened, and what came of it' }],
  exits: ['not-found'],
});

export const incidentResolve = defineCommand({
  name: 'resolve',
  summary: 'Say what came of an incident',
  description: 'Recorded in the evidence log with the reason. The run stays as it ended.',
  args: { incident: { summary: 'Incident id' } },
  flags: { reason: { type: 'string', value: 'TEXT', required: true, summary: 'What was found and done; goes into the record' } },
  examples: [
    {
      command: 'govctl incident resolve incident-3f2a90c1d4e50617 --reason "supplier sent the corrected file"',
      what: 'it was looked at',
    },
  ],
  exits: ['not-found', 'conflict'],
});

export const incidentCommands = [
  noun('incident', 'What went wrong, and what came of it', [
    command(incidentLs, () => import('./ls.ts')),
    command(incidentGet, () => import('./get.ts')),
    command(incidentResolve, () => import('./resolve.ts')),
  ]),
];
