import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { decisionCases } from '../../../../fixtures/decision/corpus.ts';
import { decide } from '../decision/decide.ts';
import { toFactsFile } from '../decision/facts-file.ts';
import { decisionDigest } from '../decision/index.ts';
import { buildInput } from '../decision/input.ts';
import { compilePacks } from '../policy/compile.ts';
import { documentSchemas, jsonSchemaOf } from './index.ts';

const root = resolve(import.meta.dirname, '../../../..');
const kinds = Object.entries(documentSchemas());
const ajv = new Ajv2020({ allErrors: true, strict: false });
formats.default(ajv);

/** Every kind that the sources write into an envelope, wherever they do. */
function writtenKinds(): Map<string, string> {
  const found = new Map<string, string>();
  for (const place of ['packages/core/src', 'packages/agent/src', 'packages/cli/src']) {
    for (const file of readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || /\.(test|fixture)\.ts$/.test(file)) continue;
      const source = readFileSync(join(root, place, file), 'utf8');
      for (const [, kind] of source.matchAll(/(?:\b(?:asDocument|document)\(\s*|schemaVersion(?:: '[^']+')?,\s*kind: )'([A-Z]\w+)'/g))
        if (kind !== undefined) found.set(kind, file);
    }
  }
  return found;
}

describe('schemas of documents', () => {
  it('there is one for every kind that any source writes', () => {
    const written = writtenKinds();
    expect(written.size).toBeGreaterThan(50);
    const known = new Set(kinds.map(([kind]) => kind));
    expect(
      [...written]
        .filter(([kind]) => !known.has(kind))
        .map(([kind, file]) => `${kind} (${file}) has no schema: add it to documentSchemas()`),
    ).toEqual([]);
  });

  it.each(kinds)('%s is published, a JSON Schema of 2020-12, and open for more fields', (kind, document) => {
    const schema = jsonSchemaOf(kind, document) as { $schema: string; title: string };
    expect(JSON.parse(readFileSync(join(root, 'docs/schema', `${kind}.json`), 'utf8'))).toEqual(JSON.parse(JSON.stringify(schema)));
    expect([schema.$schema, schema.title]).toEqual(['https://json-schema.org/draft/2020-12/schema', kind]);
    expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
    const validate = ajv.compile(schema);
    expect(validate({})).toBe(false);
    expect(validate({ schemaVersion: 'govctl/v1', kind: 'Other' })).toBe(false);
  });

  it('decisions and facts fit theirs, whatever they say', () => {
    const [decision, facts] = ['urn:govctl:schema:govctl/v1:Decision', 'urn:govctl:schema:govctl/v1:Facts'].map((id) => ajv.getSchema(id));
    for (const one of decisionCases()) {
      const body = decide(buildInput(one.facts), compilePacks(one.facts.packs), one.facts.as_of);
      const document = { schemaVersion: 'govctl/v1', kind: 'Decision', ...body, decision_digest: decisionDigest(body), dry_run: true };
      expect(decision?.(document), ajv.errorsText(decision?.errors)).toBe(true);
      expect(facts?.(JSON.parse(JSON.stringify(toFactsFile(one.facts)))), ajv.errorsText(facts?.errors)).toBe(true);
      expect(decision?.({ ...document, decision: 'perhaps' })).toBe(false);
    }
  });
});
