import { type GateSet, gateSets } from './decision.ts';
import { actorGate } from './gate/actor.ts';
import { approvalsGate } from './gate/approvals.ts';
import { bundleSchemaGate } from './gate/bundle-schema.ts';
import { compatibilityGate } from './gate/compatibility.ts';
import { coverageGate } from './gate/coverage.ts';
import { environmentGate } from './gate/environment.ts';
import { evidenceRefsGate } from './gate/evidence-refs.ts';
import { freshnessGate } from './gate/freshness.ts';
import { ospaGate } from './gate/ospa.ts';
import { pinnedInputsGate } from './gate/pinned-inputs.ts';
import { policyRevGate } from './gate/policy-rev.ts';
import {
  type PreflightGate,
  preflightAuthorizationGate,
  preflightCoverageGate,
  preflightFreshnessGate,
  preflightLockGate,
} from './gate/preflight.ts';
import { qualityGate } from './gate/quality.ts';
import { quarantineGate } from './gate/quarantine.ts';
import { signersGate } from './gate/signers.ts';
import { singleWriterGate } from './gate/single-writer.ts';
import { snapshotGate } from './gate/snapshot.ts';
import { subscriptionGate } from './gate/subscription.ts';
import { targetVerifiedGate } from './gate/target-verified.ts';
import { transitionGate } from './gate/transition.ts';
import type { AskedGate, Gate } from './gate.ts';

/** The structural gates of a promotion, cheap ones first. All of them run, whatever the others say. */
export const promotionGates: readonly Gate[] = [
  actorGate,
  environmentGate,
  policyRevGate,
  bundleSchemaGate,
  pinnedInputsGate,
  transitionGate,
  snapshotGate,
  singleWriterGate,
  quarantineGate,
  subscriptionGate,
  approvalsGate,
  compatibilityGate,
  coverageGate,
  ospaGate,
  evidenceRefsGate,
  qualityGate,
  freshnessGate,
  signersGate,
];

/** The four dimensions of a preflight. They are asked of an object and an action, not of a promotion: other facts, the same kernel. */
export const preflightGates: readonly PreflightGate[] = [
  preflightCoverageGate,
  preflightFreshnessGate,
  preflightAuthorizationGate,
  preflightLockGate,
];

/**
 * What each kind of effect is asked. A rollback is asked the same list as a promotion: the gates of quality and evidence answer there
 * that they are not asked, and `target-verified` takes their place. A later effect (activation, evidence access) is one more entry.
 */
export const gatesOf = {
  promotion: promotionGates,
  rollback: [...promotionGates, targetVerifiedGate],
  preflight: preflightGates,
} as const satisfies { readonly [S in GateSet]: readonly AskedGate<never>[] };

/** A gate as it is shown: what it asks, whatever facts it is asked with. */
export type ShownGate = {
  readonly code: string;
  readonly asks: string;
  readonly otherwise: string;
  readonly gate_sets: readonly GateSet[];
};

/** Every gate, for `gate ls` and `gate explain`. */
export const gateList: readonly ShownGate[] = [...gatesOf.rollback, ...gatesOf.preflight].map(({ code, asks, otherwise }) => ({
  code,
  asks,
  otherwise,
  gate_sets: gateSets.filter((set) => gatesOf[set].some((gate) => gate.code === code)),
}));
