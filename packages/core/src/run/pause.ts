/** What it means that a run is paused (13.5 of the source): why, until when, who may resume it, and what happens if nobody does. */
export const pauseReasons = ['policy_change', 'budget_warning', 'approval_required', 'rate_limit_soft', 'manual_pause'] as const;
export type PauseReason = (typeof pauseReasons)[number];

export const resumeAuthorities = ['tenant_admin', 'tenant_user', 'system_auto', 'api_key_owner', 'founder_only'] as const;
export type ResumeAuthority = (typeof resumeAuthorities)[number];

export const pauseTimeouts = ['TERMINATE', 'CONTINUE', 'ESCALATE'] as const;
export type PauseTimeout = (typeof pauseTimeouts)[number];

export const defaultPause = { sla_ms: 3_600_000, warn_before_ms: 300_000, timeout: 'TERMINATE' } as const;

/** Who may resume where nobody said: what one person started by hand another may end; what a policy stopped is for an administrator. */
export const defaultAuthorities: Readonly<Record<PauseReason, readonly ResumeAuthority[]>> = {
  policy_change: ['tenant_admin'],
  budget_warning: ['tenant_admin'],
  approval_required: ['tenant_admin'],
  rate_limit_soft: ['system_auto', 'tenant_admin'],
  manual_pause: ['tenant_admin', 'api_key_owner'],
};

export type PausedRun = {
  readonly reason: PauseReason;
  /** In the words of whoever paused it. */
  readonly detail: string;
  readonly authorities: readonly ResumeAuthority[];
  readonly paused_by: string;
  readonly paused_at: string;
  readonly sla_ms: number;
  readonly expires_at: string;
  readonly warn_before_ms: number;
  readonly timeout: PauseTimeout;
  /** When it was said that the time runs out; null before. */
  readonly warned_at: string | null;
  /** When the time ran out and the pause stayed, because somebody was called (ESCALATE). */
  readonly escalated_at: string | null;
  /** The lock of the target that is held for the run meanwhile. */
  readonly lock?: { readonly lock_key: string; readonly fence: number };
};

export type PauseRequest = {
  readonly reason: PauseReason;
  readonly detail: string;
  readonly paused_by: string;
  readonly authorities?: readonly ResumeAuthority[] | undefined;
  readonly sla_ms?: number | undefined;
  readonly warn_before_ms?: number | undefined;
  readonly timeout?: PauseTimeout | undefined;
};

const later = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();

/** A pause that begins now. */
export function pauseRun(asked: PauseRequest, now: string): PausedRun {
  const sla_ms = asked.sla_ms ?? defaultPause.sla_ms;
  const authorities = asked.authorities ?? [];
  return {
    reason: asked.reason,
    detail: asked.detail,
    authorities: authorities.length === 0 ? defaultAuthorities[asked.reason] : [...new Set(authorities)],
    paused_by: asked.paused_by,
    paused_at: now,
    sla_ms,
    expires_at: later(now, sla_ms),
    warn_before_ms: asked.warn_before_ms ?? defaultPause.warn_before_ms,
    timeout: asked.timeout ?? defaultPause.timeout,
    warned_at: null,
    escalated_at: null,
  };
}

export function canResume(paused: PausedRun, held: readonly ResumeAuthority[]): boolean {
  return paused.authorities.some((authority) => held.includes(authority));
}

export type ResumeAttempt =
  | { readonly ok: true; readonly by: ResumeAuthority }
  | { readonly ok: false; readonly needs: readonly ResumeAuthority[] };

/** An attempt to resume with what somebody holds: by which authority, or which would be needed. */
export function tryResume(paused: PausedRun, held: readonly ResumeAuthority[]): ResumeAttempt {
  const by = paused.authorities.find((authority) => held.includes(authority));
  return by === undefined ? { ok: false, needs: paused.authorities } : { ok: true, by };
}

export function isExpired(paused: PausedRun, now: string): boolean {
  return Date.parse(now) >= Date.parse(paused.expires_at);
}

/** Time to say that the pause ends soon: once, and not after its end. A pause shorter than the warning is warned of at once. */
export function shouldWarn(paused: PausedRun, now: string): boolean {
  if (paused.warned_at !== null || isExpired(paused, now)) return false;
  return Date.parse(now) >= Date.parse(paused.expires_at) - paused.warn_before_ms;
}

/**
 * A clock that stands before the beginning of the pause was moved back: what has passed is not known any more. The pause then lasts
 * its whole time from now, never longer, and never ends early; null where there is nothing to mend.
 */
export function rebasePause(paused: PausedRun, now: string): PausedRun | null {
  if (Date.parse(now) >= Date.parse(paused.paused_at)) return null;
  return { ...paused, paused_at: now, expires_at: later(now, paused.sla_ms), warned_at: null };
}

export type PauseDue = 'rebase' | 'warn' | 'terminate' | 'continue' | 'escalate' | null;

const dueOf = { TERMINATE: 'terminate', CONTINUE: 'continue', ESCALATE: 'escalate' } as const;

/** What has to be done about a pause now, if anything; once somebody was called it waits for people. */
export function pauseDue(paused: PausedRun, now: string): PauseDue {
  if (paused.escalated_at !== null) return null;
  if (rebasePause(paused, now) !== null) return 'rebase';
  if (isExpired(paused, now)) return dueOf[paused.timeout];
  return shouldWarn(paused, now) ? 'warn' : null;
}
