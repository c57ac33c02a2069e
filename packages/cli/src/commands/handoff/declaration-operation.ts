import { command, defineCommand } from '../../command.ts';

/** What operators do to the tail. */

export const handoffQuarantine = defineCommand({
  name: 'quarantine',
  summary: 'See rows that cannot be applied, apply them again, or give them up: ls, get, retry, discard',
  description:
    'A row that cannot be applied stands aside and stops only its object: later rows of it wait, in order. retry applies all that stands aside of the ' +
    'objects named, up to the first row that fails again, and exits with 22 when one does. discard gives a faulty row up for ever; what waited behind it ' +
    'is applied. Both are recorded as evidence with their reason.',
  args: {
    action: { summary: 'ls, get, retry or discard' },
    row: { summary: 'One row: SOURCE/ID, as ls shows it', optional: true },
  },
  flags: {
    key: { type: 'string', value: 'KEY', summary: 'Everything of this object' },
    source: {
      type: 'string',
      value: 'SOURCE',
      choices: ['birth_registry', 'registry_changelog'],
      summary: 'Everything of this source (ls, retry)',
    },
    all: { type: 'boolean', summary: 'Also what was applied or discarded (ls)' },
    limit: { type: 'integer', value: 'N', min: 1, summary: 'At most so many rows (ls; 50)' },
    cursor: { type: 'string', value: 'CURSOR', summary: 'Go on after the page that gave it (ls)' },
    reason: { type: 'string', value: 'TEXT', summary: 'Why; goes into the record (retry, discard)' },
    'dry-run': { type: 'boolean', summary: 'Show what would be tried or given up; change nothing' },
  },
  examples: [
    { command: 'govctl handoff quarantine ls', what: 'what stands aside, and why' },
    {
      command: 'govctl handoff quarantine retry birth_registry/42 --reason "born_at mended at the source"',
      what: 'a row and what waits behind it',
    },
    { command: 'govctl handoff quarantine discard --key tables/old --reason "test data" --dry-run', what: 'what would be given up' },
  ],
  exits: ['not-found', 'conflict', 'findings', 'timeout'],
});

export const handoffPause = defineCommand({
  name: 'pause',
  summary: 'Stop the tail of every host until somebody resumes it; births go on',
  description:
    'Coverage is unknown while it is paused, and says who paused it and why: nothing is activated. It survives restarts and is recorded as evidence.',
  flags: { reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record and into coverage' } },
  examples: [{ command: 'govctl handoff pause --reason "consumers are down until 14:00"', what: 'births go on, nothing is handed off' }],
  exits: ['conflict'],
});

export const handoffPrune = defineCommand({
  name: 'prune',
  summary: 'Remove old rows of the embedded changelog that were read, settled and proved',
  description:
    'Never removes a row that was not read, may still be in flight, is not proved to have had its effect, or stands in quarantine; the registry of births ' +
    'is never pruned. What goes is put on record first, and removed in slices that keep nobody waiting. After an interruption run it again. ' +
    'A CHANGED or RETIRED line that is imported again after its row is gone counts as new. Refused for birth tables of other software.',
  flags: {
    before: { type: 'time', value: 'TIME', summary: 'Changes that happened before this moment' },
    keep: { type: 'integer', value: 'N', min: 0, summary: 'All but the newest N rows' },
    reason: { type: 'string', value: 'TEXT', summary: 'Why; goes into the record' },
    'dry-run': { type: 'boolean', summary: 'Say what would go; remove nothing' },
  },
  examples: [
    { command: 'govctl handoff prune --before 2026-10-01T00:00:00Z --dry-run', what: 'how many rows, from when to when' },
    { command: 'govctl handoff prune --keep 1000000 --reason "disk"', what: 'the newest million stays' },
  ],
  exits: ['conflict'],
});

export const operationCommands = [
  command(handoffQuarantine, () => import('./quarantine.ts')),
  command(handoffPause, () => import('./pause.ts')),
  command(handoffPrune, () => import('./prune.ts')),
];
