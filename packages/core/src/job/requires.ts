import { z } from 'zod';
import { nameSchema } from '../api/common.ts';
import { type CompiledExpression, compileExpression } from '../policy/cel.ts';
import { checkExpression } from '../policy/expression-check.ts';
import { celValue, type Shape } from '../policy/variable.ts';
import { kindNames } from './input/kind.ts';

/**
 * What a step's `when` may look at, by name: nothing else, so the same run asks the same question wherever it is asked. Additive only.
 * What is not known is null.
 */
const whenShapes = {
  /** One for each pinned input; `kinds` are those that were found in it and can be read. */
  inputs: [{ name: 'string', dataset_id: 'string', snapshot_id: 'string', kinds: ['string'], file_count: 'int' }],
  /** What earlier steps left. */
  signals: [{ name: 'string', step: 'string', digest: 'string', count: 'int' }],
  /** The steps before this one, in order. */
  steps: [{ step: 'string', status: 'string', exit_code: 'int' }],
  label_asof: 'string',
} as const satisfies { readonly [name: string]: Shape };

export type WhenVariable = keyof typeof whenShapes;

const whenSchema = z
  .string()
  .min(1)
  .max(1024)
  .superRefine((source, context) => {
    for (const message of whenProblems(source)) context.addIssue({ code: 'custom', message });
  })
  .describe('A CEL expression over inputs, signals, steps and label_asof that must be true.');

/** What a step needs before it may run. */
export const requiresSchema = z.strictObject({
  inputs: z
    .array(z.enum(kindNames, `one of the kinds that are known by their columns: ${kindNames.join(', ')}`))
    .min(1)
    .max(16)
    .optional()
    .describe('Kinds of input that must be there; found by their column headers, not by names of files.'),
  signals: z
    .union([nameSchema, z.array(nameSchema).min(1).max(16)], 'the name of a signal, or a list of names')
    .optional()
    .describe('Signals that an earlier step must have left, each with at least one element.'),
  when: whenSchema.optional(),
});
export type Requires = z.infer<typeof requiresSchema>;

function whenProblems(source: string): readonly string[] {
  try {
    return checkExpression(compileExpression(source).expression, whenShapes).problems;
  } catch (error) {
    return [`not CEL: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** What a `when` that the schema accepted looks at. */
export function whenVariables(source: string): ReadonlySet<WhenVariable> {
  return checkExpression(compileExpression(source).expression, whenShapes).variables;
}

/** Asks a `when` that the schema accepted. */
export function evaluateWhen(
  source: string,
  variables: { readonly [name in WhenVariable]: unknown },
): ReturnType<CompiledExpression['evaluate']> {
  return compileExpression(source).evaluate({
    inputs: celValue(whenShapes.inputs, variables.inputs),
    signals: celValue(whenShapes.signals, variables.signals),
    steps: celValue(whenShapes.steps, variables.steps),
    label_asof: celValue(whenShapes.label_asof, variables.label_asof),
  });
}
