import { type handoffOperationRoutes, type handoffRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type HandoffContext, pauseHandoff, resumeHandoff } from '@govctl/core/handoff';
import type { Actor } from '@govctl/core/identity';
import type { Handlers } from '../http/index.ts';
import { pauseOf } from './coverage.ts';
import type { HandoffDependencies } from './handler-port.ts';

type Routes = Pick<typeof handoffOperationRoutes, 'handoff.pause'> & Pick<typeof handoffRoutes, 'handoff.resume'>;
type Alarm = { readonly source: string; readonly coverage: string; readonly detail: string };

const rebuilds = 3;

/** Stops the tail and lets it go on: after a pause, and after what an alarm said. */
export function pauseHandlers(deps: HandoffDependencies): Handlers<Routes> {
  const { database, journal, queries } = deps;
  const contextOf = (actor: Actor, at: string): HandoffContext => ({ actor, ...deps.deployment, at, salt: deps.randomHex(16) });
  const cursorsNow = async () => {
    try {
      return (await database.read([queries.cursorStatus({})]))[0];
    } catch (cause) {
      throw new Problem('unavailable', { detail: `births cannot be read: ${(cause as Error).message}`, hint: 'govctl doctor', cause });
    }
  };
  const moving = () =>
    new Problem('conflict', { detail: 'the handoff keeps changing under this request: nothing was done', hint: 'try again' });

  return {
    'handoff.pause': async ({ body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const before = pauseOf(await cursorsNow());
        if (before !== null) return { schemaVersion, kind: 'HandoffPause', changed: false, ...before, evidence_ref: null };
        const result = await journal.commit(pauseHandoff(contextOf(actor, now), body.reason));
        if (!result.ok) continue;
        const evidence_ref = result.committed.records[0]?.ref ?? null;
        const pause = { paused_at: now, paused_by: actor.actor_id, reason: body.reason };
        return { schemaVersion, kind: 'HandoffPause', changed: true, ...pause, evidence_ref };
      }
      throw moving();
    },

    'handoff.resume': async ({ body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const cursors = await cursorsNow();
        const paused = pauseOf(cursors);
        const alarmed: Alarm[] = cursors.flatMap(({ source, alarm }) => {
          const parsed = alarm === null ? null : (JSON.parse(alarm) as Alarm);
          return parsed === null ? [] : [{ source, coverage: parsed.coverage, detail: parsed.detail }];
        });
        const [first] = alarmed;
        if (paused !== null && first !== undefined && body.end === undefined)
          throw new Problem('conflict', {
            detail: `${paused.paused_by} paused the tail (${paused.reason}), and ${first.source} is alarmed (${first.coverage}: ${first.detail}): say which of them ends`,
            hint: 'govctl handoff resume --end pause --reason TEXT; or --end alarm, or --end all',
          });
        const pause = body.end === 'alarm' ? null : paused;
        const alarms = body.end === 'pause' ? [] : alarmed;
        const answer = { schemaVersion, kind: 'HandoffResume', ended_pause: pause, accepted: alarms } as const;
        if (pause === null && alarms.length === 0) return { ...answer, resumed: false, evidence_ref: null };
        const result = await journal.commit(resumeHandoff(contextOf(actor, now), { pause, alarms, reason: body.reason }));
        if (!result.ok) continue;
        deps.wake();
        return { ...answer, resumed: true, evidence_ref: result.committed.records[0]?.ref ?? null };
      }
      throw moving();
    },
  };
}
