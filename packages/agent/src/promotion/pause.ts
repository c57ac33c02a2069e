import { Problem, type pauseRoutes } from '@govctl/core/api';
import type { Actor } from '@govctl/core/identity';
import {
  type ActingParty,
  type KeptLock,
  pausePromotion,
  type RunRow,
  type RunState,
  refusedResume,
  resumePromotion,
} from '@govctl/core/promotion';
import { authoritiesOf, isEnded, type Phase, pauseRun, type ResumeAuthority, tryResume } from '@govctl/core/run';
import type { DenialLimit } from '../evidence/denial-limit.ts';
import type { Handlers } from '../http/index.ts';
import { lockByKey } from '../lock/queries.ts';
import { lockKeyOf } from './facts.ts';
import { readRun } from './handler.ts';
import { keepsMoving, type PromotionDependencies, rebuilds } from './judge.ts';
import { reevaluate } from './reevaluate.ts';
import { resume } from './run-start.ts';

/** How long a lock that is kept for a paused run lasts unless it is prolonged: a daemon that is gone keeps nobody away for longer. */
export const keptLockMs = 300_000;

export type PauseDependencies = PromotionDependencies & { readonly refusals: DenialLimit };

/** Halts promotions that wait, and lets them go on. A promotion that does not wait is one transaction: there is nothing to halt. */
export function pauseHandlers(deps: PauseDependencies): Handlers<typeof pauseRoutes> {
  return {
    async 'promotion.pause'({ params, body, actor }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const run = await readRun(deps, params.run_id, actor, 'promotion.pause');
        refuseUnpausable(run);
        const at = deps.now();
        const paused = pauseRun(
          {
            reason: body.pause_reason,
            detail: body.reason,
            paused_by: actor.actor_id,
            authorities: body.authorities,
            sla_ms: body.sla_s * 1000,
            warn_before_ms: body.warn_before_s * 1000,
            timeout: body.timeout,
          },
          at,
        );
        const keep = body.keep_lock ? await freeLock(deps, run, at) : null;
        const planned = pausePromotion(resume(run), run, paused, actor, at, runContext(deps), keep);
        const result = await deps.journal.commit(planned.unit);
        if (result.ok) return await deps.answers.answer(planned.row);
      }
      throw keepsMoving(params.run_id);
    },

    async 'promotion.resume'({ params, body, actor }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const run = await readRun(deps, params.run_id, actor, 'promotion.resume');
        const by = await requireAuthority(deps, run, actor, 'promotion.resume');
        const row = await letGoOn(deps, run, { ...party(actor), authority: by, reason: body.reason }, (unit) => unit);
        if (row !== null) return await deps.answers.answer(row);
      }
      throw keepsMoving(params.run_id);
    },
  };
}

type ResumedBy = ActingParty & { readonly authority: ResumeAuthority | 'timeout'; readonly reason: string };
type Unit = Parameters<PromotionDependencies['journal']['commit']>[0];

/**
 * A paused promotion is asked again, all of it, in the unit that ends its pause.
 * @returns its row afterwards; null when a guard was lost
 */
export async function letGoOn(
  deps: PromotionDependencies,
  run: RunRow,
  by: ResumedBy,
  guarded: (unit: Unit) => Unit,
): Promise<RunRow | null> {
  const at = deps.now();
  const resumed = resumePromotion(resume(run), run, by, at, runContext(deps));
  const { unit, row, decision } = await reevaluate(deps, run, resumed.start, at);
  const result = await deps.journal.commit(
    guarded({
      label: 'run.resume',
      changes: [...resumed.changes, ...unit.changes, ...resumed.wakes],
      records: [resumed.record, ...unit.records],
      events: [...resumed.events, ...unit.events],
    }),
  );
  if (!result.ok) return null;
  deps.decided(decision.decision);
  return row;
}

export function runContext(deps: Pick<PromotionDependencies, 'deployment' | 'randomHex'>) {
  return { ...deps.deployment, salt: () => deps.randomHex(16) };
}

const party = ({ actor_id, authenticated_by }: Actor): ActingParty => ({ actor_id, authenticated_by });

function refuseUnpausable(run: RunRow): void {
  const { run_id, status, phase } = run;
  if (status === 'deferred') return;
  if (status === 'paused') throw alreadyPaused(run);
  const ended = isEnded(phase as Phase);
  throw new Problem('conflict', {
    detail: ended ? `run ${run_id} has ended: ${status}` : `run ${run_id} is ${phase}/${status}: only a promotion that waits can be paused`,
    hint: `govctl promotion get ${run_id}`,
  });
}

/** What is paused is left alone until it is resumed. */
export function alreadyPaused({ run_id, state }: RunRow): Problem {
  const { pause } = JSON.parse(state) as ReturnType<typeof resume>['state'];
  const said = pause === undefined ? '' : ` by ${pause.paused_by} (${pause.reason}: ${pause.detail}) until ${pause.expires_at}`;
  return new Problem('locked', {
    detail: `run ${run_id} is paused${said}`,
    hint: `govctl promotion resume ${run_id} --reason TEXT; to end it: govctl promotion cancel ${run_id} --reason TEXT`,
  });
}

async function freeLock(deps: PromotionDependencies, run: RunRow, at: string): Promise<KeptLock> {
  const lock_key = lockKeyOf({ tenant_id: run.tenant_id, dataset_id: run.dataset_id, layer: run.to_layer ?? '' });
  const [[held]] = await deps.database.read([lockByKey({ lock_key })]);
  if (held?.holder != null && held.expires_at !== null && held.expires_at > at) {
    throw new Problem('locked', {
      detail: `${held.holder} holds ${lock_key} until ${held.expires_at}: it cannot be kept for ${run.run_id}`,
      hint: `pause without it: govctl promotion pause ${run.run_id} --release-lock --reason TEXT`,
    });
  }
  return { lock_key, fence: held?.fence ?? 0, expires_at: new Date(Date.parse(at) + keptLockMs).toISOString() };
}

/** Refusals are recorded, as many as one actor may have recorded: a log that anybody can fill is a way to stop everybody. */
export async function requireAuthority(
  deps: Pick<PauseDependencies, 'journal' | 'refusals' | 'now' | 'deployment' | 'randomHex'>,
  run: RunRow,
  actor: Actor,
  action: 'promotion.resume' | 'run.resume',
): Promise<ResumeAuthority> {
  const { pause } = JSON.parse(run.state) as Pick<RunState, 'pause'>;
  const show = action === 'run.resume' ? `govctl run get ${run.run_id}` : `govctl promotion get ${run.run_id}`;
  if (run.status !== 'paused' || pause === undefined) {
    throw new Problem('conflict', {
      detail: `run ${run.run_id} is not paused: it is ${run.phase}/${run.status}`,
      hint: show,
    });
  }
  const held = authoritiesOf(actor, run, action);
  const attempt = tryResume(pause, held);
  if (attempt.ok) return attempt.by;
  const at = deps.now();
  const limit = deps.refusals.take(actor.actor_id, Date.parse(at));
  if (!limit.granted) {
    throw new Problem('too-many-requests', {
      detail: `${actor.actor_id} was refused too often in a minute; further refusals are counted, not recorded one by one`,
      hint: 'wait, and ask somebody who may',
      retryAfterSeconds: limit.retryAfterSeconds,
    });
  }
  await deps.journal.commit(refusedResume(run, party(actor), attempt.needs, at, runContext(deps)));
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} may not resume ${run.run_id}: it takes ${attempt.needs.join(' or ')}, and ${held.length === 0 ? 'none' : held.join(', ')} is held; the attempt is recorded`,
    hint: `who may, and until when: ${show}`,
  });
}
