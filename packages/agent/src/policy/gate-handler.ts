import { type gateRoutes, isProblem, Problem, schemaVersion } from '@govctl/core/api';
import { buildInput, decide, decisionDigest, fromFactsFile, gateList } from '@govctl/core/decision';
import { mayAffect } from '@govctl/core/identity';
import { compilePacks } from '@govctl/core/policy';
import type { Handlers } from '../http/index.ts';
import { everywhere, everywhereFlags, notGranted } from './governance.ts';

/** The gates, and the kernel for facts that the caller brings. No database is within reach here: nothing can be read or written. */
export function gateHandlers(): Handlers<typeof gateRoutes> {
  const items = gateList.map((gate) => ({ ...gate, gate_sets: [...gate.gate_sets] }));
  return {
    async 'gate.ls'() {
      return { schemaVersion, kind: 'GateList' as const, items };
    },

    async 'decision.evaluate'({ body, actor }) {
      // The facts bring rules along, and rules are code: only for those whose grant covers everything, as for an activation.
      if (!mayAffect(actor, 'decision.evaluate', everywhere))
        throw notGranted(actor, 'decision.evaluate', 'every dataset', everywhereFlags);
      const facts = fromFactsFile(body);
      const decision = decide(buildInput(facts), packsOf(facts.packs), facts.as_of);
      return { schemaVersion, kind: 'Decision' as const, ...decision, decision_digest: decisionDigest(decision), dry_run: true };
    },
  };
}

function packsOf(packs: Parameters<typeof compilePacks>[0]): ReturnType<typeof compilePacks> {
  try {
    return compilePacks(packs);
  } catch (error) {
    // What a client finds in its own file is an integrity error there; sent to us it is a body that is not what it claims.
    if (isProblem(error) && error.code === 'integrity')
      throw new Problem('digest-mismatch', { detail: error.message, hint: 'save the facts again with --save-facts', cause: error });
    throw error;
  }
}
