import { command, defineCommand, noun } from '../../command.ts';

export const qualityImport = defineCommand({
  name: 'import',
  summary: 'Take the results of a test run in, for the snapshot that was tested',
  description: [
    'KIND is what wrote the file: dbt (run_results.json), great-expectations (validation or checkpoint result, 0.18 and 1.x), soda (scan',
    'results as JSON), junit (JUnit XML) or openlineage (run events with dataQualityAssertions or tests: one, a list, or a line each).',
    'Only passed counts as passed; an error, a skip, a warning and a test that was not evaluated each stay what they are. Of each check the',
    'newest import counts; its age is that of the run itself. What each word of a tool becomes: docs/quality.md.',
  ].join('\n'),
  args: {
    kind: { summary: 'dbt, great-expectations, soda, junit or openlineage', completes: 'quality-kind' },
    file: { summary: 'Result file, at most 32 MiB; - is standard input', completes: 'file' },
  },
  flags: { snapshot: { type: 'string', value: 'S', required: true, summary: 'The snapshot that was tested', completes: 'snapshot' } },
  examples: [
    { command: 'govctl quality import dbt target/run_results.json --snapshot S', what: 'after dbt test' },
    { command: 'govctl quality import great-expectations result.json --snapshot S', what: 'a validation or a whole checkpoint' },
    { command: 'node --test --test-reporter=junit | govctl quality import junit - --snapshot S', what: 'from a pipe' },
  ],
  exits: ['not-found'],
});

export const qualityLs = defineCommand({
  name: 'ls',
  summary: 'List every result that is kept for a snapshot',
  args: { snapshot: { summary: 'Snapshot id', completes: 'snapshot' } },
  examples: [
    { command: 'govctl quality ls S', what: 'which files were imported, and what they said' },
    { command: 'govctl quality ls S -o json', what: 'every check' },
  ],
  exits: ['not-found'],
});

export const qualityCommands = [
  noun('quality', 'Results of tests, kept with the snapshot they are about', [
    command(qualityImport, () => import('./import.ts')),
    command(qualityLs, () => import('./ls.ts')),
  ]),
];
