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

export const eventCommands = [noun('event', 'What happened, in commit order', [command(eventTail, () => import('./tail.ts'))])];
