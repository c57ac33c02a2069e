import { Problem } from '../api/problem.ts';
import { digestOf } from '../evidence/digest.ts';
import type { CompiledExpression } from './cel.ts';
import { lintPack } from './lint.ts';
import type { PackRef, Rule } from './pack.ts';
import type { VariableName } from './variable.ts';

export type CompiledRule = {
  readonly rule: Rule;
  /** `rule:<pack>/<id>`: the code of its gate answer. */
  readonly code: string;
  readonly expression: CompiledExpression;
};

/** A pack ready to judge: parsed, checked and planned. */
export type CompiledPack = PackRef & { readonly rules: readonly CompiledRule[]; readonly variables: ReadonlySet<VariableName> };

const maxCached = 256;
const compiled = new Map<string, CompiledPack>();

/**
 * Compiles a pack from its source. Compiled packs are kept by digest, so a pack is planned once.
 *
 * @throws Problem `unprocessable` with every fault, when the pack does not lint; `integrity` when the source has another digest
 */
export function compilePack(source: string, digest: string = digestOf(source)): CompiledPack {
  // Before the cache is asked: a source that is not what it claims is refused wherever it comes, and not only where it comes first.
  const actual = digestOf(source);
  if (actual !== digest) {
    throw new Problem('integrity', { detail: `the pack has digest ${actual}, not ${digest}`, hint: 'govctl policy show' });
  }
  const known = compiled.get(digest);
  if (known !== undefined) return known;
  const { pack, rules, problems } = lintPack(source);
  if (pack === undefined || rules === undefined) {
    throw new Problem('unprocessable', {
      detail: `the pack has ${problems.length} faults`,
      hint: 'govctl policy lint PACK.yaml',
      reasons: problems.map(({ path, line, message }) => ({ path: `${path === '' ? 'pack' : path} (line ${line})`, message })),
    });
  }
  const made = {
    name: pack.name,
    version: pack.version,
    digest,
    rules: rules.map(({ rule, expression }) => ({ rule, expression, code: `rule:${pack.name}/${rule.id}` })),
    variables: new Set(rules.flatMap(({ variables }) => [...variables])),
  };
  if (compiled.size >= maxCached) compiled.clear();
  compiled.set(digest, made);
  return made;
}

/** Compiles what facts carry: every pack that has its source there. One without is left out, and the kernel says that it is missing. */
export function compilePacks(packs: readonly (PackRef & { readonly source?: string | undefined })[]): CompiledPack[] {
  return packs.flatMap((pack) => (pack.source === undefined ? [] : [compilePack(pack.source, pack.digest)]));
}
