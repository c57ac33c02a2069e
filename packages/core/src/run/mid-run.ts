/**
 * Checks while a run is under way (FIX-005 of the source): a policy that was right when the run was submitted may not be right before its
 * next step. The rules are pure; what stands now is looked up by whoever asks, and only when a check is due.
 */
export const midRunDecisions = ['CONTINUE', 'PAUSE', 'TERMINATE', 'SKIP'] as const;
/** SKIP says that checks are switched off. It never means that a step is left out. */
export type MidRunDecision = (typeof midRunDecisions)[number];

export const violationTypes = ['BUDGET_EXCEEDED', 'MANUAL_STOP', 'TENANT_SUSPENDED', 'POLICY_DISABLED', 'LIMIT_CHANGED'] as const;
export type ViolationType = (typeof violationTypes)[number];

/** What each violation asks for, by itself. */
export const decisionOfViolation: Readonly<Record<ViolationType, 'PAUSE' | 'TERMINATE'>> = {
  BUDGET_EXCEEDED: 'TERMINATE',
  MANUAL_STOP: 'TERMINATE',
  TENANT_SUSPENDED: 'TERMINATE',
  POLICY_DISABLED: 'PAUSE',
  LIMIT_CHANGED: 'PAUSE',
};

export type Violation = {
  readonly type: ViolationType;
  /** One sentence for the person who has to act on it. */
  readonly detail: string;
};

export type Limits = { readonly steps: number | null; readonly seconds: number | null; readonly cost_units: number | null };
export type Use = { readonly steps: number; readonly seconds: number; readonly cost_units: number };

/** What stands now, against what stood when the run was submitted. */
export type MidRunFacts = {
  /** Somebody asked for the run to end. */
  readonly stop_requested: string | null;
  /** Why the tenant may run nothing. */
  readonly tenant_suspended: string | null;
  /** Names of the packs the run is judged by. */
  readonly packs_at_start: readonly string[];
  readonly packs_now: readonly string[];
  readonly limits_at_start: Limits;
  readonly limits_now: Limits;
  readonly used: Use;
};

export type MidRunResult = {
  readonly decision: MidRunDecision;
  readonly reason: string;
  readonly violations: readonly Violation[];
  /** True for CONTINUE and SKIP alike: nothing was found that speaks against the next step. */
  readonly should_continue: boolean;
  /** False where the answer comes from the interval, or from a disabled check, and nothing was looked up. */
  readonly looked: boolean;
};

const units = { steps: 'steps', seconds: 'seconds', cost_units: 'cost units' } as const;
const names = ['steps', 'seconds', 'cost_units'] as const;

/** Limits that are used up: reached is within, above is not. Asked after each step too, where no interval counts. */
export function overBudget(limits: Limits, used: Use): Violation[] {
  return names.flatMap((name) => {
    const limit = limits[name];
    if (limit === null || used[name] <= limit) return [];
    return [{ type: 'BUDGET_EXCEEDED' as const, detail: `${used[name]} ${units[name]} used, ${limit} allowed` }];
  });
}

/** Everything that speaks against the next step. */
export function violationsOf(facts: MidRunFacts): Violation[] {
  const violations: Violation[] = [];
  if (facts.stop_requested !== null) violations.push({ type: 'MANUAL_STOP', detail: facts.stop_requested });
  if (facts.tenant_suspended !== null) violations.push({ type: 'TENANT_SUSPENDED', detail: facts.tenant_suspended });
  violations.push(...overBudget(facts.limits_now, facts.used));
  const gone = facts.packs_at_start.filter((digest) => !facts.packs_now.includes(digest));
  if (gone.length > 0) violations.push({ type: 'POLICY_DISABLED', detail: `no longer active: ${gone.join(', ')}` });
  const changed = names.filter((name) => facts.limits_at_start[name] !== facts.limits_now[name]);
  if (changed.length > 0) {
    const said = changed.map(
      (name) => `${units[name]} ${facts.limits_at_start[name] ?? 'unlimited'} -> ${facts.limits_now[name] ?? 'unlimited'}`,
    );
    violations.push({ type: 'LIMIT_CHANGED', detail: said.join(', ') });
  }
  return violations;
}

/** The most severe wins, and gives the reason. */
export function decideMidRun(violations: readonly Violation[]): Pick<MidRunResult, 'decision' | 'reason'> {
  for (const decision of ['TERMINATE', 'PAUSE'] as const) {
    const worst = violations.find((violation) => decisionOfViolation[violation.type] === decision);
    if (worst !== undefined) return { decision, reason: `${worst.type}: ${worst.detail}` };
  }
  return { decision: 'CONTINUE', reason: 'nothing speaks against the next step' };
}

export type MidRunSettings = { readonly enabled: boolean; readonly interval_ms: number };
export const defaultMidRun: MidRunSettings = { enabled: true, interval_ms: 30_000 };

export type MidRunChecker = {
  /**
   * Before a step: looks at most once an interval a run, and says CONTINUE in between.
   * @param look reads what stands now; not called when no check is due
   */
  check_before_step(run_id: string, now: string, look: () => Promise<MidRunFacts>): Promise<MidRunResult>;
  /** The run ended, or something happened that must be seen before its next step. */
  clear_run_state(run_id: string): void;
  /** How many runs are remembered. */
  readonly size: number;
};

/** Remembers when each run was looked at last; nothing else. */
export function midRunChecker(settings: MidRunSettings = defaultMidRun): MidRunChecker {
  const looked = new Map<string, number>();
  return {
    async check_before_step(run_id, now, look) {
      if (!settings.enabled) return { ...calm('SKIP', 'mid-run checks are switched off'), looked: false };
      const at = Date.parse(now);
      const last = looked.get(run_id);
      // A clock that was moved back proves nothing about the interval: look.
      if (last !== undefined && at >= last && at - last < settings.interval_ms) {
        return { ...calm('CONTINUE', `looked ${Math.round((at - last) / 1000)} s ago`), looked: false };
      }
      const violations = violationsOf(await look());
      // Only after it was read: a look that failed is no look.
      looked.set(run_id, at);
      const { decision, reason } = decideMidRun(violations);
      return { decision, reason, violations, should_continue: decision === 'CONTINUE', looked: true };
    },
    clear_run_state: (run_id) => {
      looked.delete(run_id);
    },
    get size() {
      return looked.size;
    },
  };
}

function calm(decision: 'CONTINUE' | 'SKIP', reason: string) {
  return { decision, reason, violations: [], should_continue: true };
}
