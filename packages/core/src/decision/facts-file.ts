import { readAs, reasonsOf } from '../api/fault.ts';
import { Problem } from '../api/problem.ts';
import { type Facts, factsDocument } from './facts.ts';

/** Facts as a file has them (`--save-facts`): with the sources of their packs, so that a laptop without network decides alike. */
export function toFactsFile(facts: Facts) {
  return { schemaVersion: 'govctl/v1', kind: 'Facts', ...facts } as const;
}

/**
 * Facts from the parsed JSON of such a file; closed, so that a field that this version does not know is an error and not ignored.
 *
 * @throws Problem `invalid-request` that lists everything wrong
 */
export function fromFactsFile(json: unknown): Facts {
  const parsed = readAs(factsDocument, json);
  if (!parsed.ok) {
    throw new Problem('invalid-request', {
      detail: 'the facts file is not one this version reads',
      hint: 'govctl promote DATASET --from L --to L --snapshot S --dry-run --save-facts facts.json',
      reasons: reasonsOf(parsed.faults.slice(0, 50)),
    });
  }
  const { schemaVersion: _version, kind: _kind, ...facts } = parsed.value;
  return facts;
}
