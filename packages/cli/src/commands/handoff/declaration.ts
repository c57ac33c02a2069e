import { command, defineCommand, noun } from '../../command.ts';
import { operationCommands } from './declaration-operation.ts';
import { handoffReplay } from './replay-declaration.ts';

export const handoffStatus = defineCommand({
  name: 'status',
  summary: 'Show whether governance knows of every birth, and the evidence for it',
  description:
    'Coverage is ok, behind, unknown, pruned, drift or fenced; anything but ok exits with 22 and keeps candidates from being activated, never births from happening.',
  flags: {
    wait: { type: 'boolean', summary: 'Wait until coverage is ok, at most --timeout (10m)' },
  },
  examples: [
    { command: 'govctl handoff status', what: 'lag, heartbeat, captured events, quarantine, pause' },
    { command: 'govctl handoff status --wait --timeout 1m', what: 'after an import: until everything arrived' },
    { command: 'govctl handoff status --field lag_rows', what: 'one number, for a script' },
  ],
  exits: ['findings', 'timeout'],
});

export const handoffLag = defineCommand({
  name: 'lag',
  summary: 'Prove that no birth was lost: anti-join every birth with candidates and events',
  examples: [{ command: 'govctl handoff lag', what: 'two counts; both 0 is the proof' }],
  exits: ['findings'],
});

export const handoffType = defineCommand({
  name: 'type',
  summary: 'List event types, or turn delivery on and off: govctl handoff type ls, activate TYPE, deactivate TYPE',
  description:
    'Activation delivers events of the type from now on, and what was captured, in key order. Deactivation captures them from now on. Both are recorded as evidence.',
  args: {
    action: { summary: 'ls, activate or deactivate' },
    'event-type': { summary: 'The event type', optional: true },
  },
  flags: { reason: { type: 'string', value: 'TEXT', summary: 'Why; goes into the record' } },
  examples: [
    { command: 'govctl handoff type ls', what: 'which are delivered, and how many events wait' },
    { command: 'govctl handoff type activate handoff.object_born --reason "consumers are ready"', what: 'from capture to delivery' },
  ],
  exits: ['not-found', 'conflict'],
});

export const handoffResume = defineCommand({
  name: 'resume',
  summary: 'Let the tail go on: end a pause, or accept what an alarm said (pruned, drift)',
  description:
    'Where the tail is paused and a source is alarmed, --end says which of them ends. After drift every source is read again from its first row, ' +
    'which changes nothing that is right. The reason is recorded as evidence.',
  flags: {
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why it may go on; goes into the record' },
    end: { type: 'string', value: 'WHAT', choices: ['pause', 'alarm', 'all'], summary: 'What ends, where both are there' },
  },
  examples: [
    { command: 'govctl handoff resume --reason "consumers are back"', what: 'after a pause' },
    { command: 'govctl handoff resume --reason "births.db was restored from the backup of Monday"', what: 'after a restore' },
  ],
  exits: ['conflict'],
});

export const handoffImport = defineCommand({
  name: 'import',
  summary: 'Import births and changes from a file or standard input: ndjson or csv, gzip too',
  description:
    'A line is {"change": "BORN|CHANGED|RETIRED", "object_key", "object_type", "born_at", "payload"?}; csv names these columns in its first line. ' +
    'A file is checked whole before anything is sent. Standard input is sent as it comes, and ends at the first bad line. ' +
    'Lines go in batches, each all or nothing; run it again after an interruption: what is known by (object_key, change, born_at) is not repeated.',
  args: { file: { summary: 'File to import; - is standard input', completes: 'file' } },
  flags: {
    format: {
      type: 'string',
      value: 'FORMAT',
      choices: ['ndjson', 'csv'],
      summary: 'ndjson or csv; from the name of the file when left out',
    },
    permit: { type: 'string', value: 'PERMIT', summary: 'A bulk permit you have; a new one is issued and recorded when left out' },
    reason: { type: 'string', value: 'TEXT', summary: 'Why, for the permit that is issued' },
    'skip-bad': { type: 'boolean', summary: 'Import the good lines, report each bad one, and exit with 22' },
    rejects: { type: 'string', value: 'FILE', summary: 'Write every bad line with its number and reason to this file', completes: 'file' },
    'dry-run': { type: 'boolean', summary: 'Check every line; send nothing' },
  },
  examples: [
    { command: 'govctl handoff import births.ndjson', what: 'all of it, or nothing when a line is bad' },
    { command: 'zcat changes.ndjson.gz | govctl handoff import -', what: 'from another program' },
    { command: 'govctl handoff import export.csv --skip-bad --rejects bad.ndjson', what: 'what can be imported; the rest to look at' },
  ],
  exits: ['findings'],
});

export const handoffCommands = [
  noun('handoff', 'How births reach governance', [
    command(handoffStatus, () => import('./status.ts')),
    command(handoffLag, () => import('./lag.ts')),
    command(handoffType, () => import('./type.ts')),
    command(handoffImport, () => import('./import.ts')),
    command(handoffResume, () => import('./resume.ts')),
    ...operationCommands,
    command(handoffReplay, () => import('./replay.ts')),
  ]),
];
