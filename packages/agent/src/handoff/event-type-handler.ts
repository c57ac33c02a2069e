import { type handoffRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { activateEventType } from '@govctl/core/handoff';
import type { Handlers } from '../http/index.ts';
import type { HandoffDependencies } from './handler-port.ts';
import { eventTypes } from './queries.ts';
import { contextOf, moving, rebuilds } from './request.ts';

/** Types of events that births cause: captured until somebody activates them. */
export function typeHandlers(deps: HandoffDependencies): Pick<Handlers<typeof handoffRoutes>, 'handoff.types' | 'handoff.type-activate'> {
  const { database, journal } = deps;
  return {
    'handoff.types': async () => {
      const [types] = await database.read([eventTypes({})]);
      return { schemaVersion, kind: 'EventTypeList', items: types.map((type) => ({ ...type, active: type.active === 1 })) };
    },

    'handoff.type-activate': async ({ params, body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [types] = await database.read([eventTypes({})]);
        const type = types.find((row) => row.event_type === params.event_type);
        if (type === undefined) {
          throw new Problem('not-found', { detail: `no event type ${params.event_type}`, hint: 'govctl handoff type ls' });
        }
        const answer = { schemaVersion, kind: 'EventType', event_type: type.event_type, active: true, pending: type.pending } as const;
        if (type.active === 1) return { ...answer, activated: false, evidence_ref: null };
        const unit = activateEventType(contextOf(deps, actor, now), {
          event_type: type.event_type,
          pending: type.pending,
          reason: body.reason ?? null,
        });
        const result = await journal.commit(unit);
        if (!result.ok) continue;
        deps.wake();
        return { ...answer, activated: true, evidence_ref: result.committed.records[0]?.ref ?? null };
      }
      throw moving(`event type ${params.event_type}`);
    },
  };
}
