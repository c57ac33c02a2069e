import type { Expression } from './cel.ts';
import { isList, type Shape } from './variable.ts';

export type ExpressionCheck<N extends string> = { readonly variables: ReadonlySet<N>; readonly problems: readonly string[] };

// Each level multiplies the work by the length of a list that callers fill.
const maxNesting = 2;

// Chained, these turn a letter into gigabytes: CEL always ends, but not soon.
const growing: ReadonlySet<string> = new Set(['replace', 'join', 'format', 'strings.quote']);

type Scope = ReadonlyMap<string, Shape | undefined>;

/**
 * Looks through an expression without running it: which of the variables it uses, and every name and field that does not exist. A typing
 * error in a rule is found when the pack is written, not when a promotion is denied by it.
 */
export function checkExpression<N extends string>(expression: Expression, shapes: { readonly [name in N]: Shape }): ExpressionCheck<N> {
  const variables = new Set<N>();
  const isVariable = (name: string): name is N => Object.hasOwn(shapes, name);
  const problems: string[] = [];

  const visit = (node: Expression | undefined, scope: Scope, depth: number): Shape | undefined => {
    const kind = node?.exprKind;
    switch (kind?.case) {
      case 'identExpr': {
        const { name } = kind.value;
        if (scope.has(name)) return scope.get(name);
        if (isVariable(name)) {
          variables.add(name);
          return shapes[name];
        }
        // Type names are identifiers too: `type(x) == string`.
        if (!typeNames.has(name)) problems.push(`there is no '${name}'`);
        return undefined;
      }
      case 'selectExpr': {
        const { operand, field } = kind.value;
        const shape = visit(operand, scope, depth);
        if (shape === undefined) return undefined;
        if (typeof shape === 'string' || isList(shape)) {
          problems.push(`'${field}' is asked of something that has no fields`);
          return undefined;
        }
        if (!Object.hasOwn(shape, field)) problems.push(`there is no field '${field}' (there are: ${Object.keys(shape).join(', ')})`);
        return shape[field];
      }
      case 'callExpr':
        if (growing.has(kind.value.function)) problems.push(`'${kind.value.function}' makes text of any length, and rules do not`);
        visit(kind.value.target, scope, depth);
        for (const argument of kind.value.args) visit(argument, scope, depth);
        return undefined;
      case 'listExpr':
        for (const element of kind.value.elements) visit(element, scope, depth);
        return undefined;
      case 'structExpr':
        for (const entry of kind.value.entries) {
          if (entry.keyKind.case === 'mapKey') visit(entry.keyKind.value, scope, depth);
          visit(entry.value, scope, depth);
        }
        return undefined;
      case 'comprehensionExpr': {
        const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = kind.value;
        if (depth + 1 > maxNesting) problems.push(`lists are gone through more than ${maxNesting} deep`);
        const range = visit(iterRange, scope, depth);
        visit(accuInit, scope, depth);
        const inner = new Map(scope);
        inner.set(accuVar, undefined);
        inner.set(iterVar, range !== undefined && isList(range) ? range[0] : undefined);
        if (iterVar2 !== '') inner.set(iterVar2, undefined);
        visit(loopCondition, inner, depth + 1);
        visit(loopStep, inner, depth + 1);
        return visit(result, inner, depth + 1);
      }
      default:
        return undefined;
    }
  };

  visit(expression, new Map(), 0);
  return { variables, problems: [...new Set(problems)] };
}

const typeNames = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'null_type', 'type', 'dyn']);
