import { documentSchemas, jsonSchemaOf } from '../../packages/core/src/document/index.ts';

/** `docs/schema/<kind>.json` for every kind of document, and the page that lists them. */
export function schemaPages(): Map<string, string> {
  const kinds = Object.entries(documentSchemas());
  const pages = new Map<string, string>();
  for (const [kind, document] of kinds) pages.set(`schema/${kind}.json`, JSON.stringify(jsonSchemaOf(kind, document), null, 2));
  const rows = kinds.map(
    ([kind, { from }]) => `| [\`${kind}\`](${kind}.json) | ${[...new Set(from)].map((name) => `\`${name}\``).join(', ')} |\n`,
  );
  pages.set(
    'schema/README.md',
    [
      '# JSON Schemas\n\nA schema (JSON Schema 2020-12) for every kind of document that govd answers, govctl prints with `-o json`, or either reads from a file. The member `kind` says which one it is; the fields in words are in [documents.md](../documents.md).\n\n',
      'Documents only ever get more fields: a schema allows fields it does not know, except where a format is closed by contract (evidence, configuration). Lists of `-o ndjson` hold the items of `items`, a line each.\n\n',
      `| kind | from |\n|---|---|\n${rows.join('')}`,
    ].join(''),
  );
  return pages;
}
