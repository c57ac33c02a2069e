import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { RE2JS } from 're2js';

type Parsed = ReturnType<typeof parse>;
export type Expression = NonNullable<Parsed['expr']>;

/** What a rule's expression came to. An error is no answer: the caller fails closed. */
type Evaluation = { readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly error: string };

export type CompiledExpression = {
  readonly expression: Expression;
  evaluate(variables: Record<string, CelInput>): Evaluation;
};

// Patterns are compiled once. The bound keeps a rule that builds patterns from its input from filling the memory.
const maxPatterns = 512;
const maxPatternLength = 1024;
const patterns = new Map<string, RE2JS>();

function matcherOf(pattern: string): RE2JS {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > maxPatternLength) throw new Error(`a pattern of more than ${maxPatternLength} characters`);
  const made = RE2JS.compile(pattern);
  if (patterns.size >= maxPatterns) patterns.clear();
  patterns.set(pattern, made);
  return made;
}

// Patterns run in linear time (RE2): a rule can be wrong, it cannot hang the daemon.
const environment = celEnv({
  funcs: strings,
  re2: { compile: (pattern) => ({ test: (text) => matcherOf(pattern).matcher(text).find() }) },
});

/**
 * Parses and plans one expression. CEL is total and sees nothing but its variables: no clock, no network, no files.
 *
 * @throws Error with the place in the expression when it does not parse
 */
export function compileExpression(source: string): CompiledExpression {
  const parsed = parse(source);
  if (parsed.expr === undefined) throw new Error('an empty expression');
  const run = plan(environment, parsed);
  return {
    expression: parsed.expr,
    evaluate(variables) {
      try {
        const result = run(variables);
        if (isCelError(result)) return { ok: false, error: result.message };
        if (typeof result !== 'boolean') return { ok: false, error: `it gives ${typeof result}, not true or false` };
        return { ok: true, value: result };
      } catch (error) {
        return { ok: false, error: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}
