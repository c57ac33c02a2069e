import { defineCommand } from '../../command.ts';

export const handoffReplay = defineCommand({
  name: 'replay',
  summary: 'Run a range of births and changes again, beside the live tail: govctl handoff replay, ls, get ID, stop ID',
  description: [
    'What a row should have come to and did not is restored, with the whole history of its object; what is right is not touched, so any range can be',
    'run again. It is a job with a checkpoint of its own: it outlives this command and a restart of govd, and never moves the live tail. Ctrl-C leaves it',
    'running; govctl handoff replay stop ID ends it. Start, stop and end are recorded as evidence.',
  ].join('\n'),
  args: {
    action: { summary: 'ls, get or stop; start a replay when left out', optional: true },
    replay: { summary: 'With get and stop: which replay', optional: true },
  },
  flags: {
    from: { type: 'string', value: 'ID|TIME', summary: 'First id of the range, or a moment (RFC 3339, UTC); the first row when left out' },
    to: { type: 'string', value: 'ID|TIME', summary: 'Last id of the range, or a moment; the last row the tail has read when left out' },
    key: { type: 'string', value: 'KEY', summary: 'Only rows of this object' },
    source: {
      type: 'string',
      value: 'S',
      choices: ['registry_changelog', 'birth_registry'],
      default: 'registry_changelog',
      summary: 'Whose ids are meant',
    },
    rate: { type: 'integer', value: 'N', min: 1, summary: 'At most this many rows a second' },
    reason: { type: 'string', value: 'TEXT', summary: 'Why; goes into the record. Needed to stop one' },
    id: { type: 'string', value: 'ID', summary: 'Its id; a new one when left out' },
    'dry-run': { type: 'boolean', summary: 'How many rows, and what would be restored; nothing is done' },
    detach: { type: 'boolean', summary: 'Start it and do not wait for its end' },
    limit: { type: 'integer', value: 'N', min: 1, default: 50, summary: 'With ls: at most this many, up to 500' },
  },
  examples: [
    { command: 'govctl handoff replay --from 1 --to 70434 --dry-run', what: 'what is missing of these rows' },
    {
      command: 'govctl handoff replay --from 2026-11-20T00:00:00Z --rate 2000 --reason "after the restore"',
      what: 'everything since then, gently',
    },
    { command: 'govctl handoff replay --key dot_tools/crm_sync', what: 'one object' },
    { command: 'govctl handoff replay stop replay-3f2a --reason "wrong range"', what: 'where it is; what it restored stays' },
  ],
  exits: ['not-found', 'conflict', 'timeout'],
});
