import { z } from 'zod';
import { faultText, readAs } from '../api/fault.ts';
import { resumeAuthorities } from '../run/pause.ts';
import { phases, runStatuses } from '../run/phase.ts';
import { riskLevels } from '../run/threshold.ts';
import type { RunState } from './run-state.ts';

const moment = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'must be a time in UTC, like 2026-11-21T03:00:00Z');
const word = z.string().min(1);

/** What everybody who reads a run relies on. Open: a later version may keep more. */
const storedStateSchema = z.looseObject({
  reply_format: z.literal(1),
  trace_id: z.string(),
  authorization_decision: z.looseObject({ outcome: z.enum(['allowed', 'denied']), actor_id: word, authenticated_by: z.string() }),
  phases: z.array(z.looseObject({ phase: z.enum(phases), status: z.enum(runStatuses), event: word, at: moment })).min(1),
  segments: z.array(
    z.looseObject({ n: z.int(), policy_rev: z.string().nullable(), config_digest: z.string().nullable(), from: z.string() }),
  ),
  expectations: z.array(
    z.looseObject({
      domain: word,
      action: word,
      deadline_ms: z.number().nullable(),
      status: z.enum(['PENDING', 'ACKED', 'MISSING', 'VOIDED']),
    }),
  ),
  acks: z.array(
    z.looseObject({
      domain: word,
      action: word,
      result_id: z.string().nullable(),
      error: z.string().nullable(),
      observed: z.string().nullable(),
      at: z.string(),
    }),
  ),
  waiting_on: z.array(z.string()).optional(),
  pause: z
    .looseObject({ paused_at: moment, expires_at: moment, sla_ms: z.number(), authorities: z.array(z.enum(resumeAuthorities)) })
    .optional(),
  risk_level: z.enum(riskLevels).optional(),
  thresholds: z.array(z.string()).optional(),
  active: z.looseObject({ snapshot_id: word, generation: z.int(), decision_ref: word }).optional(),
  store: z.looseObject({ fence: z.int(), expected_generation: z.int(), lock_key: word }).optional(),
});

/** A run's state as it was kept, or in words why it is none. */
export type ReadRunState = { readonly state: RunState; readonly fault: null } | { readonly state: null; readonly fault: string };

/** Reads what a run row keeps. A row that was damaged is told of and never guessed at: whoever looks at many runs goes on with the next. */
export function readRunState(text: string): ReadRunState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { state: null, fault: `is not JSON: ${(error as Error).message.slice(0, 200)}` };
  }
  const read = readAs(storedStateSchema, value);
  return read.ok ? { state: value as RunState, fault: null } : { state: null, fault: faultText(read.faults) };
}
