import {
  dbtStatuses,
  greatExpectationsStatuses,
  type ImportKind,
  junitStatuses,
  openlineageStatuses,
  type StatusTable,
  sodaStatuses,
} from '../../packages/core/src/quality/index.ts';

type Tool = {
  readonly title: string;
  readonly file: string;
  readonly name: string;
  readonly time: string;
  readonly table: StatusTable;
  readonly more: string;
};

const tools: { readonly [K in ImportKind]: Tool } = {
  dbt: {
    title: 'dbt',
    file: '`target/run_results.json`',
    name: 'the test: `unique_orders_id`',
    time: '`timing[].completed_at` of the result',
    table: dbtStatuses,
    more: 'Another word is `error`. A model that was built is no check; one that was not built is kept as what it is.',
  },
  'great-expectations': {
    title: 'Great Expectations',
    file: 'a validation result or a checkpoint result of 0.18 or 1.x, or what `describe()` gives',
    name: '`ASSET.EXPECTATION(COLUMN)`: `orders.expect_column_values_to_be_unique(order_id)`; without the asset where the file does not name it',
    time: '`meta.validation_time`, else `run_id.run_time`; `describe()` has none',
    table: greatExpectationsStatuses,
    more: 'A `success` that is no truth value refuses the file. A validation or checkpoint that did not succeed without a result that shows why, and one without any result, is an `error` of its own. The severity `warning` or `info` makes the check one of severity warn; it is failed all the same.',
  },
  soda: {
    title: 'Soda',
    file: 'scan results as JSON (`soda scan -srf FILE`, `scan.get_scan_results()`)',
    name: '`TABLE.NAME`: `orders.missing_count(order_id) = 0`',
    time: '`scanStartTimestamp`',
    table: sodaStatuses,
    more: 'Another word refuses the file. Soda leaves out what it could not evaluate and says `hasErrors`: such a scan holds a check `scan` that is `error`.',
  },
  junit: {
    title: 'JUnit XML',
    file: 'a report of any JUnit-like runner',
    name: 'the `name` of the case',
    time: '`timestamp` of the suite',
    table: junitStatuses,
    more: 'Another element is an `error`. The `status` attribute of gtest and nextest is heard too: `notrun` and `disabled` are `not_evaluated`. A suite that counts more failures than its cases show holds an `error` of its own. Document types are refused.',
  },
  openlineage: {
    title: 'OpenLineage',
    file: 'run events with the facet `dataQualityAssertions` of a dataset, or `test` of a run: one event, a list of them, or a line each',
    name: '`DATASET.ASSERTION(COLUMN)`: `shop.public.orders.not_null(order_id)`; a test by its name',
    time: '`eventTime` of the last event of the run that tells of the check',
    table: openlineageStatuses,
    more: 'Another word, and an event type that is not known, refuses the file. Of what several events of a run say of a check the worst holds. In a run whose COMPLETE, FAIL or ABORT is not in the file nothing passes: it is `not_evaluated`. A run that ended FAIL or ABORT without a check that shows why holds an `error` of its own.',
  },
};

/** `docs/quality.md`: which files are read, and what each word of a tool becomes. */
export function qualityPage(): string {
  const sections = Object.entries(tools).map(([kind, { title, file, name, time, table, more }]) =>
    [
      `## ${title}\n\n\`govctl quality import ${kind} FILE --snapshot S\` reads ${file}.\n\n- A check is called: ${name}.\n- It ran: ${time}.\n\n`,
      '| the tool says | that is | when |\n|---|---|---|\n',
      ...Object.entries(table).map(([word, { status, means }]) => `| \`${word}\` | \`${status}\` | ${means} |\n`),
      `\n${more}\n\n`,
    ].join(''),
  );
  return [
    '# Quality results\n\nResults of the tests people have, kept with the snapshot they are about. Only `passed` counts as passed: an error, a skip, a warning and a check that was not evaluated each stay what they are, and a file without a check is refused. A required check that occurs twice does not count.\n\n',
    'The age of a check counts from the run itself, never from its import. A result that does not say when it ran is kept, and the gate `freshness` defers. A file is at most 32 MiB, JSON at most 64 levels deep and without a name that stands twice in an object.\n\n',
    ...sections,
  ].join('');
}
