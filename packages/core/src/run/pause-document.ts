import { z } from 'zod';
import { timestampSchema } from '../api/common.ts';
import { type PausedRun, pauseReasons, pauseTimeouts, resumeAuthorities } from './pause.ts';

/** Why it is paused, who may resume it, and what happens when nobody does. */
export const pauseDocument = z.object({
  reason: z.enum(pauseReasons),
  detail: z.string(),
  paused_by: z.string(),
  paused_at: timestampSchema,
  expires_at: timestampSchema,
  /** When the time runs out: the run ends, goes on, or stays paused while an incident calls for somebody. */
  timeout: z.enum(pauseTimeouts),
  /** Any one of them. */
  authorities: z.array(z.enum(resumeAuthorities)),
  warned_at: timestampSchema.nullable(),
  escalated_at: timestampSchema.nullable(),
  /** The lock that is held for it meanwhile. */
  lock_key: z.string().nullable(),
});

export type PauseDocument = z.infer<typeof pauseDocument>;

/** A pause as an operator sees it; null for a run that is not paused. */
export function pauseOf(paused: PausedRun | undefined): PauseDocument | null {
  if (paused === undefined) return null;
  const { sla_ms: _sla, warn_before_ms: _before, authorities, lock, ...said } = paused;
  return { ...said, authorities: [...authorities], lock_key: lock?.lock_key ?? null };
}
