import type { CelInput } from '@bufbuild/cel';
import { lintPack } from './lint.ts';
import type { Fixture } from './pack.ts';
import { celValue, type Shape, type VariableName, variableNames, variableShapes } from './variable.ts';
import type { FileProblem } from './yaml-file.ts';

export type FixtureResult = {
  readonly rule: string;
  readonly fixture: string;
  readonly must: 'pass' | 'fail';
  readonly ok: boolean;
  /** What the rule said. An error is never what a fixture asked for: a rule that cannot be evaluated proves nothing. */
  readonly said: 'pass' | 'fail' | 'error';
  readonly error: string | null;
};

export type PackTest = {
  readonly ok: boolean;
  readonly problems: readonly FileProblem[];
  readonly results: readonly FixtureResult[];
  /** Rules without a must-pass or without a must-fail fixture: nobody showed that they can say both. */
  readonly untested: readonly { readonly rule: string; readonly lacks: readonly ('pass' | 'fail')[] }[];
};

/** Runs a pack's fixtures. Activation takes only a pack where this is `ok`. */
export function testPack(source: string): PackTest {
  const { pack, rules, problems } = lintPack(source);
  if (pack === undefined || rules === undefined) return { ok: false, problems, results: [], untested: [] };
  const byId = new Map(rules.map((linted) => [linted.rule.id, linted]));
  const results = (['pass', 'fail'] as const).flatMap((must) =>
    pack.tests[must].map((fixture, index): FixtureResult => {
      const evaluation = byId.get(fixture.rule)?.expression.evaluate(variablesOf(fixture)) ?? { ok: false, error: 'no such rule' };
      const said = evaluation.ok ? (evaluation.value ? 'pass' : 'fail') : 'error';
      return {
        rule: fixture.rule,
        fixture: fixture.name ?? `${must}[${index}]`,
        must,
        ok: said === must,
        said,
        error: evaluation.ok ? null : evaluation.error,
      };
    }),
  );
  const untested = pack.rules.flatMap(({ id }) => {
    const lacks = (['pass', 'fail'] as const).filter((must) => !pack.tests[must].some(({ rule }) => rule === id));
    return lacks.length === 0 ? [] : [{ rule: id, lacks }];
  });
  return { ok: results.every(({ ok }) => ok) && untested.length === 0, problems: [], results, untested };
}

// A fixture says what it needs; every other variable is there with all of its fields unknown.
function variablesOf({ input }: Fixture): Record<string, CelInput> {
  const entries = variableNames.map((name: VariableName) => {
    const shape: Shape = variableShapes[name];
    const blank = typeof shape === 'string' || Array.isArray(shape) ? [] : {};
    const given = Object.hasOwn(input, name) ? input[name] : typeof shape === 'string' ? null : blank;
    return [name, celValue(shape, given)] as const;
  });
  return Object.fromEntries(entries);
}
