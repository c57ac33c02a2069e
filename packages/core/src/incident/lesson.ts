import { z } from 'zod';
import type { DecisionBody } from '../decision/decision.ts';
import { explain } from '../decision/explain.ts';

/** What a run that did not succeed leaves to whoever runs it next: why, and the one thing to do (a command, or what a person does). */
export const lessonSchema = z.object({ run_id: z.string(), cause: z.string(), next_action: z.string() });
export type Lesson = Readonly<z.infer<typeof lessonSchema>>;

/** The lesson of a denied run: what its decision says of itself, and the first command that mends something. */
export function lessonOfDenial(run_id: string, decision: DecisionBody): Lesson {
  const { summary, next } = explain(decision);
  return { run_id, cause: summary, next_action: next[0]?.command ?? `govctl why ${run_id}` };
}
