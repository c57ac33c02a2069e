import { type handoffTypeRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { deactivateEventType, type HandoffContext } from '@govctl/core/handoff';
import type { Database } from '../../db/index.ts';
import type { Handlers } from '../../http/index.ts';
import type { Journal } from '../../journal/index.ts';
import { eventTypes } from '../queries.ts';

export type EventTypeDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
};

const rebuilds = 3;

/** From delivery back to capture. */
export function eventTypeHandlers({ database, journal, deployment, randomHex }: EventTypeDependencies): Handlers<typeof handoffTypeRoutes> {
  return {
    'handoff.type-deactivate': async ({ params, body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [types] = await database.read([eventTypes({})]);
        const type = types.find((row) => row.event_type === params.event_type);
        if (type === undefined)
          throw new Problem('not-found', { detail: `no event type ${params.event_type}`, hint: 'govctl handoff type ls' });
        const { event_type, pending } = type;
        const answer = { schemaVersion, kind: 'EventTypeDeactivation', event_type, active: false, pending } as const;
        if (type.active === 0) return { ...answer, deactivated: false, evidence_ref: null };
        const context: HandoffContext = { actor, ...deployment, at: now, salt: randomHex(16) };
        const result = await journal.commit(deactivateEventType(context, { event_type, pending, reason: body.reason ?? null }));
        if (result.ok) return { ...answer, deactivated: true, evidence_ref: result.committed.records[0]?.ref ?? null };
      }
      throw new Problem('conflict', {
        detail: `event type ${params.event_type} keeps changing under this request: nothing was done`,
        hint: 'try again',
      });
    },
  };
}
