import { command, defineCommand, noun } from '../../command.ts';

export const eventTail = defineCommand({
  name: 'tail',
  summary: 'Show the newest events, or follow them',
  description:
    'Events are CloudEvents in commit order; each has a position to resume from. With -f a lost connection is made again from the last position seen: nothing is skipped, nothing comes twice.',
  flags: {
    follow: { type: 'boolean', short: 'f', summary: 'Wait for more' },
    from: { type: 'integer', value: 'POSITION', min: 1, summary: 'Start at this position' },
    last: { type: 'integer', value: 'N', min: 0, summary: 'Start N events before the end; 10 when left out' },
    type: { type: 'list', value: 'TYPE', summary: 'Only these types: run.completed, store.*' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    run: { type: 'string', value: 'R', summary: 'Only of this run', completes: 'run' },
  },
  examples: [
    { command: 'govctl event tail -f', what: 'what happens, as it happens' },
    { command: 'govctl event tail --from 1 --type "store.*" -o ndjson', what: 'every promotion so far, a line each' },
  ],
});

export const eventLanes = defineCommand({
  name: 'lanes',
  summary: 'Show how far each reader of the events came, and what stands aside',
  description: 'Readers are the reactor and each webhook. What failed waits for its next attempt, or is a dead letter.',
  flags: {
    lane: { type: 'string', value: 'LANE', choices: ['reactor', 'webhook'], summary: 'Only this lane' },
    limit: { type: 'integer', value: 'N', min: 1, default: 100, summary: 'At most so many of what stands aside' },
  },
  examples: [{ command: 'govctl event lanes', what: 'who is behind, and what failed why' }],
});

export const eventRedrive = defineCommand({
  name: 'redrive',
  summary: 'Try dead letters again',
  description: 'Recorded. Each gets all its attempts anew; receivers know what comes twice by its id.',
  flags: {
    lane: { type: 'string', value: 'LANE', choices: ['reactor', 'webhook'], summary: 'Only of this lane' },
    id: { type: 'string', value: 'ID', summary: 'Of this event, at every receiver where it is dead' },
    all: { type: 'boolean', summary: 'All of them' },
    reason: { type: 'string', value: 'TEXT', summary: 'Why; goes into the record' },
  },
  examples: [
    { command: 'govctl event redrive --lane webhook --all --reason "receiver mended"', what: 'after a receiver was mended' },
    { command: 'govctl event redrive --id 12.3', what: 'one event' },
  ],
  exits: ['not-found'],
});

export const eventCommands = [
  noun('event', 'What happened, in commit order', [
    command(eventTail, () => import('./tail.ts')),
    command(eventLanes, () => import('./lanes.ts')),
    command(eventRedrive, () => import('./redrive.ts')),
  ]),
];
