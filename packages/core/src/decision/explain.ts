import { addressed } from './addressed.ts';
import type { DecisionBody, Explanation, GateAnswer } from './decision.ts';
import { exceptionText } from './exception.ts';
import { gateList } from './gate-list.ts';

const questions = new Map(gateList.map(({ code, asks }) => [code, asks]));

/** The why / why-not tree of a decision. Everything in it comes from the decision itself, so a stored one explains itself. */
export function explain(decision: DecisionBody): Explanation {
  const gates = addressed(decision.gates, { ...decision.subject, run_id: decision.run_id });
  const answers = gates.map((answer) => ({ ...answer, asks: questions.get(answer.code) ?? `Does ${answer.code} hold?` }));
  const of = (outcome: GateAnswer['outcome']) => answers.filter((answer) => answer.outcome === outcome);
  const denied = of('fail');
  const waiting = of('defer');
  const idle = of('not_required');
  const next = new Map<string, { code: string; who: string; command: string }>();
  for (const { code, resolve } of [...denied, ...waiting]) {
    if (resolve !== null && !next.has(resolve.command)) next.set(resolve.command, { code, who: resolve.who, command: resolve.command });
  }
  return {
    decision: decision.decision,
    subject: decision.subject,
    summary: summaryOf(decision, denied, waiting),
    denied_by: denied,
    waiting_on: waiting,
    warnings: idle.filter(({ resolve }) => resolve !== null),
    passed: of('pass'),
    not_required: idle.filter(({ resolve }) => resolve === null),
    next: [...next.values()],
    next_eligible_at: decision.next_eligible_at ?? null,
  };
}

function summaryOf(
  { decided_by, decision, exceptions, subject }: DecisionBody,
  denied: readonly GateAnswer[],
  waiting: readonly GateAnswer[],
): string {
  const what = `${subject.dataset_id} ${subject.from_layer} -> ${subject.to_layer}`;
  const spite = exceptionText(exceptions);
  if (decision === 'allow') return `${what}: allowed${spite === '' ? ', every gate that was asked passed' : ` with ${spite}`}`;
  if (decision === 'defer') return `${what}: waits for ${codes(waiting)}`;
  if (decided_by === 'timeout') return `${what}: denied because the time to wait ran out; it waited for ${codes(waiting)}`;
  const rejected = denied.find(({ reason_code }) => reason_code === 'approval-rejected');
  if (decided_by === 'human' && rejected !== undefined) return `${what}: ${rejected.reason}`;
  return denied.length === 0
    ? `${what}: denied, no gate was evaluated`
    : `${what}: denied by ${codes(denied)}${waiting.length === 0 ? '' : `; would also wait for ${codes(waiting)}`}`;
}

function codes(answers: readonly GateAnswer[]): string {
  return answers.map(({ code }) => code).join(', ');
}
