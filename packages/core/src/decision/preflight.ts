import { jcsDigest } from '../evidence/jcs.ts';
import { answerOf, type Moment } from './gate.ts';
import { preflightGates } from './gate-list.ts';
import { kernelVersion } from './kernel-version.ts';
import type { PreflightDecision, PreflightFacts } from './preflight-document.ts';
import { verdictOf } from './verdict-of.ts';

/**
 * May the action be done to the object now? Pure: the dry run, the recorded answer and a later look at the record decide alike. All
 * four dimensions answer, and anything but a pass blocks.
 */
export function decidePreflight(facts: PreflightFacts): PreflightDecision {
  const now: Moment = { at: facts.as_of, ms: Date.parse(facts.as_of) };
  if (Number.isNaN(now.ms)) throw new RangeError(`not a time: ${facts.as_of}`);
  const gates = preflightGates.map((gate) => answerOf(gate.code, gate.judge(facts, now)));
  return {
    action: facts.action,
    as_of: facts.as_of,
    decided_by: 'policy',
    decision: verdictOf(gates) === 'allow' ? 'allow' : 'deny',
    gate_set: 'preflight',
    gates,
    input_digest: jcsDigest(facts),
    kernel_version: kernelVersion,
    object_key: facts.object_key,
  };
}

/** A dimension of a preflight as people read it: `coverage`, PASS or BLOCK. */
export function dimensionOf(answer: { readonly code: string; readonly outcome: string }): { dimension: string; verdict: 'PASS' | 'BLOCK' } {
  return { dimension: answer.code.replace(/^preflight-/, ''), verdict: answer.outcome === 'pass' ? 'PASS' : 'BLOCK' };
}
