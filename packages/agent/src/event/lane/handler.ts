import { type eventLaneRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { redriveEvents } from '@govctl/core/event';
import { mayAffect } from '@govctl/core/identity';
import type { Handlers } from '../../http/index.ts';
import { type GovernanceDependencies, governanceContext } from '../../policy/governance.ts';
import { eventHead } from '../queries.ts';
import { lanes, parkedCounts, parkedEvents } from './queries.ts';

/** Dead letters of one request; more are told of, and asked for again. */
const redriveLimit = 1000;

/** Shows the readers of the outbox, and gives dead letters another chance. */
export function laneHandlers(deps: GovernanceDependencies & { readonly wake: () => void }): Handlers<typeof eventLaneRoutes> {
  return {
    async 'event.lanes'({ query: { lane, limit }, actor }) {
      const [rows, counts, [newest], parked] = await deps.database.read([
        lanes({}),
        parkedCounts({}),
        eventHead({}),
        parkedEvents({ lane: lane ?? null, event_id: null, state: null, limit }),
      ]);
      const head = newest?.head ?? 0;
      const sum = (of: (typeof rows)[number], state: string) =>
        counts
          // Handlers are many, and the lane of the reactor is one.
          .filter((one) => one.lane === of.lane && (of.lane === 'reactor' || one.consumer === of.consumer) && one.state === state)
          .reduce((events, one) => events + one.events, 0);
      return {
        schemaVersion,
        kind: 'EventLaneList' as const,
        head,
        items: rows
          .filter((row) => lane === undefined || row.lane === lane)
          .map((row) => ({ ...row, behind: Math.max(0, head - row.position), waiting: sum(row, 'waiting'), dead: sum(row, 'dead') })),
        parked: parked.filter((row) => mayAffect(actor, 'event.read', scopeOf(row))),
      };
    },

    async 'event.redrive'({ body: { lane, event_id, reason }, actor }) {
      const [rows] = await deps.database.read([
        parkedEvents({ lane: lane ?? null, event_id: event_id ?? null, state: 'dead', limit: redriveLimit + 1 }),
      ]);
      const mine = rows.slice(0, redriveLimit).filter((row) => mayAffect(actor, 'event.redrive', scopeOf(row)));
      if (mine.length === 0 && event_id !== undefined)
        throw new Problem('not-found', {
          detail: `no dead letter of event ${event_id}${lane === undefined ? '' : ` in lane ${lane}`}`,
          hint: 'govctl event lanes',
        });
      const more = rows.length > redriveLimit;
      if (mine.length === 0) return { schemaVersion, kind: 'EventRedrive' as const, events: 0, more, evidence_ref: null };
      const { unit, evidence_ref } = redriveEvents(governanceContext(deps, actor), mine, lane ?? 'all', reason ?? null);
      await deps.journal.commit(unit);
      deps.wake();
      return { schemaVersion, kind: 'EventRedrive' as const, events: mine.length, more, evidence_ref };
    },
  };
}

const scopeOf = ({ tenant_id, dataset_id }: { readonly tenant_id: string; readonly dataset_id: string | null }) => ({
  tenant_id,
  dataset_id: dataset_id ?? '*',
});
