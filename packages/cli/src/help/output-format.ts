import type { gateFormats, OutputFormat } from '../flag.ts';

type Format = OutputFormat | (typeof gateFormats)[number];

/** What each output format is: help, completion, the pages and the manual say the same. */
export const formatMeanings: Readonly<Record<Format, string>> = {
  table: 'for people (the default)',
  json: 'one object: {"schemaVersion": "govctl/v1", "kind": ..., ...}',
  yaml: 'the same as YAML',
  ndjson: 'a line for each item of a list, and for each event',
  name: 'only the ids, a line each',
  sarif: 'answers of gates as SARIF 2.1.0: a deny is an error, a defer a warning, what is not asked notApplicable',
  junit: 'answers of gates as JUnit XML, a test case each: fail and defer are failures (type says which), what is not asked is skipped',
  github: 'workflow commands of GitHub Actions: ::error for a fail, ::warning for a defer, ::notice where nothing stands in the way',
};

/** `-o FORMAT` with what it is, a line each. */
export function formatLines(): string[] {
  return Object.entries(formatMeanings).map(([name, meaning]) => `  -o ${name.padEnd(7)}  ${meaning}`);
}
