import { pathText } from '../api/fault.ts';
import { type CompiledExpression, compileExpression } from './cel.ts';
import { checkExpression } from './expression-check.ts';
import { type Pack, packSchema, type Rule } from './pack.ts';
import { isList, type Shape, type VariableName, variableShapes } from './variable.ts';
import { type FileProblem, readYaml } from './yaml-file.ts';

type LintedRule = { readonly rule: Rule; readonly expression: CompiledExpression; readonly variables: ReadonlySet<VariableName> };

export type Lint =
  | { readonly pack: Pack; readonly rules: readonly LintedRule[]; readonly problems: readonly [] }
  | { readonly pack: undefined; readonly rules: undefined; readonly problems: readonly FileProblem[] };

/** Everything that is wrong with a pack's form, at once, with path and line. Whether its rules do what they say is `testPack`'s question. */
export function lintPack(source: string): Lint {
  const file = readYaml(source, packSchema);
  if (file.value === undefined) return { pack: undefined, rules: undefined, problems: file.problems };
  const pack = file.value;
  const problems: FileProblem[] = [];
  const report = (path: readonly PropertyKey[], message: string) => problems.push({ path: pathText(path), ...file.at(path), message });

  const rules: LintedRule[] = [];
  const seen = new Set<string>();
  pack.rules.forEach((rule, index) => {
    if (seen.has(rule.id)) report(['rules', index, 'id'], `the id '${rule.id}' is used twice`);
    seen.add(rule.id);
    try {
      const expression = compileExpression(rule.require);
      const checked = checkExpression(expression.expression, variableShapes);
      for (const problem of checked.problems) report(['rules', index, 'require'], problem);
      rules.push({ rule, expression, variables: checked.variables });
    } catch (error) {
      report(['rules', index, 'require'], `not CEL: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  for (const kind of ['pass', 'fail'] as const) {
    pack.tests[kind].forEach((fixture, index) => {
      const path = ['tests', kind, index];
      if (!seen.has(fixture.rule)) report([...path, 'rule'], `there is no rule '${fixture.rule}'`);
      for (const [at, message] of misfits(variableShapes, fixture.input, [])) report([...path, 'input', ...at], message);
    });
  }
  return problems.length === 0 ? { pack, rules, problems: [] } : { pack: undefined, rules: undefined, problems };
}

function misfits(shape: Shape, data: unknown, path: readonly PropertyKey[]): [path: readonly PropertyKey[], message: string][] {
  if (data === null) return [];
  if (typeof shape === 'string') return fits(shape, data) ? [] : [[path, `must be ${shape === 'bool' ? 'true or false' : `a ${shape}`}`]];
  if (isList(shape)) {
    if (!Array.isArray(data)) return [[path, 'must be a list']];
    return data.flatMap((item: unknown, index) => misfits(shape[0], item, [...path, index]));
  }
  if (typeof data !== 'object' || Array.isArray(data)) return [[path, 'must be a map']];
  return Object.entries(data).flatMap(([field, value]) => {
    const inner = Object.hasOwn(shape, field) ? shape[field] : undefined;
    return inner === undefined ? [[[...path, field], `there is no field '${field}'`]] : misfits(inner, value, [...path, field]);
  });
}

function fits(shape: 'string' | 'int' | 'double' | 'bool', data: unknown): boolean {
  if (shape === 'int') return Number.isSafeInteger(data);
  if (shape === 'double') return typeof data === 'number';
  return typeof data === (shape === 'bool' ? 'boolean' : 'string');
}
