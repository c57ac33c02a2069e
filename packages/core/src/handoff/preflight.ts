import { decidePreflight, dimensionOf } from '../decision/preflight.ts';
import type { PreflightDecision, PreflightFacts } from '../decision/preflight-document.ts';
import { digestOf } from '../evidence/digest.ts';
import { canonicalJson } from '../evidence/jcs.ts';
import type { Unit } from '../journal/unit.ts';
import { factRecord, type HandoffContext } from './handoff-unit.ts';

type Dimensions = Record<'coverage' | 'freshness' | 'authorization' | 'lock', 'PASS' | 'BLOCK'>;

/** A decision with its digest and its dimensions, as it is shown; both sides of a dry run make it from facts by this one function. */
export function judgedPreflight(facts: PreflightFacts): PreflightDecision & { decision_digest: string; dimensions: Dimensions } {
  const decision = decidePreflight(facts);
  const dimensions: Dimensions = { coverage: 'BLOCK', freshness: 'BLOCK', authorization: 'BLOCK', lock: 'BLOCK' };
  for (const answer of decision.gates) {
    const { dimension, verdict } = dimensionOf(answer);
    if (dimension in dimensions) dimensions[dimension as keyof Dimensions] = verdict;
  }
  return { ...decision, dimensions, decision_digest: digestOf(canonicalJson(decision)) };
}

/** Records what a preflight answered, whatever it was. */
export function recordPreflight(context: HandoffContext, facts: PreflightFacts): Unit {
  const decision = decidePreflight(facts);
  const draft = factRecord(
    context,
    {
      fact: decision.decision === 'allow' ? 'preflight.allow' : 'preflight.deny',
      subject: `object/${facts.object_key}`,
      reason: null,
      detail: {
        action: facts.action,
        decision: decision.decision,
        decision_digest: digestOf(canonicalJson(decision)),
        body: JSON.parse(canonicalJson(decision)),
      },
    },
    canonicalJson(facts),
  );
  return { label: 'preflight', changes: [], records: [draft], events: [] };
}
