import { command, defineCommand, noun } from '../../command.ts';

export const qualityImport = defineCommand({
  name: 'import',
  summary: 'Take the results of a test run in, for the snapshot that was tested',
  description: [
    'KIND is what wrote the file: dbt (run_results.json) or junit (JUnit XML). Only passed counts as passed; an error, a skip, a warning and',
    'a test that was not evaluated each stay what they are. Of each check the newest import counts; its age is that of the run itself.',
  ].join('\n'),
  args: {
    kind: { summary: 'dbt or junit' },
    file: { summary: 'Result file, at most 32 MiB; - is standard input', completes: 'file' },
  },
  flags: { snapshot: { type: 'string', value: 'S', required: true, summary: 'The snapshot that was tested', completes: 'snapshot' } },
  examples: [
    { command: 'govctl quality import dbt target/run_results.json --snapshot S', what: 'after dbt test' },
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
