/**
 * The run kernel (ROK, page 6): one phase machine for promotions and jobs.
 *
 *   CREATED -> AUTHORIZED -> EXECUTING -> GOVERNANCE_CHECK -> FINALIZING -> COMPLETED
 *      \           \             \              \                 \
 *       `-----------`-------------`--------------`-----------------`------> FAILED
 *
 * GOVERNANCE_CHECK cannot be skipped: there is no way into FINALIZING but through it.
 */
export const phases = ['CREATED', 'AUTHORIZED', 'EXECUTING', 'GOVERNANCE_CHECK', 'FINALIZING', 'COMPLETED', 'FAILED'] as const;
export type Phase = (typeof phases)[number];

export const runStatuses = [
  'queued',
  'running',
  'paused',
  'deferred',
  'incomplete',
  'succeeded',
  'failed',
  'failed_policy',
  'cancelled',
  'pending_audit',
  'retry',
] as const;
export type RunStatus = (typeof runStatuses)[number];

export const runEvents = [
  'authorize',
  'start',
  'execution_done',
  'defer',
  'pause',
  'resume',
  'requeue',
  'allow',
  'deny',
  'commit',
  'commit_incomplete',
  'error',
  'cancel',
  'store_failed',
] as const;
export type RunEvent = (typeof runEvents)[number];

/** Which statuses a phase may have; anything else is a violated invariant. */
export const phaseStatuses: Readonly<Record<Phase, readonly RunStatus[]>> = {
  CREATED: ['queued'],
  AUTHORIZED: ['queued'],
  EXECUTING: ['running', 'paused'],
  GOVERNANCE_CHECK: ['running', 'deferred', 'paused', 'incomplete'],
  FINALIZING: ['running', 'incomplete'],
  COMPLETED: ['succeeded'],
  FAILED: ['failed', 'failed_policy', 'cancelled', 'pending_audit', 'retry'],
};

export type Standing = { readonly phase: Phase; readonly status: RunStatus };

const to = (phase: Phase, status: RunStatus): Standing => ({ phase, status });
const failed = to('FAILED', 'failed');
const denied = to('FAILED', 'failed_policy');
const cancelled = to('FAILED', 'cancelled');
/** The event means nothing in this phase: a bug in the caller, and the run stops rather than guesses. */
const refused = null;

/** A run that ended hears nothing any more. */
const ended: Readonly<Record<RunEvent, null>> = {
  authorize: refused,
  start: refused,
  execution_done: refused,
  defer: refused,
  pause: refused,
  resume: refused,
  requeue: refused,
  allow: refused,
  deny: refused,
  commit: refused,
  commit_incomplete: refused,
  error: refused,
  cancel: refused,
  store_failed: refused,
};

/** Total over phase x event; `Record` without `Partial`, so that the compiler proves no pair was forgotten. */
export const transitionTable: Readonly<Record<Phase, Readonly<Record<RunEvent, Standing | null>>>> = {
  CREATED: {
    authorize: to('AUTHORIZED', 'queued'),
    start: refused,
    execution_done: refused,
    defer: refused,
    pause: refused,
    resume: refused,
    requeue: to('CREATED', 'queued'),
    allow: refused,
    deny: denied,
    commit: refused,
    commit_incomplete: refused,
    error: failed,
    cancel: cancelled,
    store_failed: refused,
  },
  AUTHORIZED: {
    authorize: refused,
    start: to('EXECUTING', 'running'),
    execution_done: refused,
    defer: refused,
    pause: refused,
    resume: refused,
    requeue: to('AUTHORIZED', 'queued'),
    allow: refused,
    deny: denied,
    commit: refused,
    commit_incomplete: refused,
    error: failed,
    cancel: cancelled,
    store_failed: refused,
  },
  EXECUTING: {
    authorize: refused,
    start: refused,
    execution_done: to('GOVERNANCE_CHECK', 'running'),
    defer: refused,
    pause: to('EXECUTING', 'paused'),
    resume: to('EXECUTING', 'running'),
    requeue: refused,
    allow: refused,
    deny: denied,
    commit: refused,
    commit_incomplete: refused,
    error: failed,
    cancel: cancelled,
    store_failed: refused,
  },
  GOVERNANCE_CHECK: {
    authorize: refused,
    start: refused,
    execution_done: refused,
    defer: to('GOVERNANCE_CHECK', 'deferred'),
    pause: to('GOVERNANCE_CHECK', 'paused'),
    resume: to('GOVERNANCE_CHECK', 'running'),
    requeue: to('GOVERNANCE_CHECK', 'running'),
    allow: to('FINALIZING', 'running'),
    deny: denied,
    commit: refused,
    commit_incomplete: to('GOVERNANCE_CHECK', 'incomplete'),
    error: failed,
    cancel: cancelled,
    store_failed: refused,
  },
  FINALIZING: {
    authorize: refused,
    start: refused,
    execution_done: refused,
    defer: refused,
    pause: refused,
    resume: refused,
    requeue: refused,
    allow: refused,
    deny: denied,
    commit: to('COMPLETED', 'succeeded'),
    commit_incomplete: to('FINALIZING', 'incomplete'),
    error: failed,
    cancel: cancelled,
    store_failed: to('FAILED', 'pending_audit'),
  },
  COMPLETED: ended,
  FAILED: ended,
};

/** A recorded step; `request` is the first one, which nothing precedes. */
export type Transition = Standing & { readonly event: RunEvent | 'request'; readonly at: string };

export class InvariantViolated extends Error {
  override readonly name = 'InvariantViolated';
}

/**
 * The one way a run moves.
 * @throws InvariantViolated when the event means nothing here; the caller records it and stops the run, never goes on.
 */
export function advance(from: Standing, event: RunEvent, at: string): Transition {
  const next = transitionTable[from.phase][event];
  if (next === null) throw new InvariantViolated(`a run in ${from.phase}/${from.status} cannot ${event}`);
  return { ...next, event, at };
}

/** Whether a stored standing is one the kernel can have written. */
export function isStanding(phase: string, status: string): boolean {
  const allowed = (phaseStatuses as Readonly<Record<string, readonly string[]>>)[phase];
  return allowed?.includes(status) ?? false;
}

export function isEnded(phase: Phase): boolean {
  return phase === 'COMPLETED' || phase === 'FAILED';
}
