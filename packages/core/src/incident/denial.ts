import type { DecisionBody } from '../decision/decision.ts';
import { explain } from '../decision/explain.ts';
import type { Lesson } from './lesson.ts';

/** The lesson of a denied run: what its decision says of itself, and the first command that mends something. */
export function lessonOfDenial(run_id: string, decision: DecisionBody): Lesson {
  const { summary, next } = explain(decision);
  return { run_id, cause: summary, next_action: next[0]?.command ?? `govctl why ${run_id}` };
}
