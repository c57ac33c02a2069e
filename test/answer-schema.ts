import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Json = Record<string, unknown>;

const folder = join(import.meta.dirname, '..', 'docs', 'schema');
const ajv = new Ajv2020({ allErrors: true, strict: false });
formats.default(ajv);
const known = new Map<string, ValidateFunction>();

/**
 * Holds a document against the published schema of its kind, as a reader elsewhere would, and closed: a field that nobody declared is
 * a field nobody can rely on.
 *
 * @throws Error naming what does not fit, and a kind without a schema
 */
export function requireSchema(document: unknown): void {
  const { kind } = document as { kind?: unknown };
  if (typeof kind !== 'string' || (document as { schemaVersion?: unknown }).schemaVersion !== 'govctl/v1') return;
  let validate = known.get(kind);
  if (validate === undefined) {
    validate = ajv.compile(closed(JSON.parse(readFileSync(join(folder, `${kind}.json`), 'utf8'))) as Json);
    known.set(kind, validate);
  }
  if (validate(document)) return;
  throw new Error(`the ${kind} does not fit docs/schema/${kind}.json: ${ajv.errorsText(validate.errors).slice(0, 2000)}`);
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const made: Json = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  return made.properties !== undefined && made.type === 'object' && made.additionalProperties === undefined
    ? { ...made, additionalProperties: false }
    : made;
}
