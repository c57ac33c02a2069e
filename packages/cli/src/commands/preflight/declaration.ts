import { command, defineCommand } from '../../command.ts';

export const preflight = defineCommand({
  name: 'preflight',
  summary: 'Ask before a clean-up or a mutation of an object whether it may be done now',
  description: [
    'Actions: rp.cleanup, dot.mutate. Four dimensions answer PASS or BLOCK: coverage (no birth is missing, and the object is known with all of its rows),',
    'freshness (the tail lives), authorization (a person authorised builds on it) and lock (nobody holds it). What is not known is BLOCK. Exit 0 when all',
    'pass, else 3. The answer is recorded as evidence; births are never asked.',
  ].join('\n'),
  args: { action: { summary: 'rp.cleanup or dot.mutate' }, object: { summary: 'Object key' } },
  flags: {
    'dry-run': {
      type: 'string',
      value: 'WHERE',
      choices: ['local', 'server'],
      bare: 'local',
      summary: 'Record nothing; local decides here, by the same kernel, and compares',
    },
  },
  examples: [
    { command: 'govctl preflight dot.mutate dot_tools/crm_sync', what: 'may it be changed? The answer is evidence' },
    { command: 'govctl preflight rp.cleanup tables/orders_2019 --dry-run', what: 'what stands in the way' },
    { command: 'govctl preflight dot.mutate dot_tools/crm_sync && ./mutate.sh', what: 'as a guard in a script' },
  ],
  exits: ['deny'],
});

export const preflightCommand = command(preflight, () => import('./preflight.ts'));
