import { type handoffRoutes, schemaVersion } from '@govctl/core/api';
import { coverageFix, lagSeconds } from '@govctl/core/handoff';
import type { Handlers } from '../http/index.ts';
import { candidateHandlers } from './candidate-handler.ts';
import { lastPoll, readCoverage } from './coverage.ts';
import { typeHandlers } from './event-type-handler.ts';
import type { HandoffDependencies } from './handler-port.ts';
import { ospaHandlers } from './ospa-handler.ts';
import { eventTypes, openQuarantine } from './queries.ts';
import { withBirths } from './request.ts';

type Routes = Omit<typeof handoffRoutes, 'handoff.resume'>;

/** Births, the handoff's state, candidates and build authorizations. */
export function handoffHandlers(deps: HandoffDependencies): Handlers<Routes> {
  const { database, queries } = deps;
  return {
    ...typeHandlers(deps),
    ...candidateHandlers(deps),
    ...ospaHandlers(deps),

    'birth.add': async ({ body, now }) => {
      const lines = body.lines.map((line) =>
        line.permit_id === undefined && body.permit_id !== undefined ? { ...line, permit_id: body.permit_id } : line,
      );
      const receipt = await deps.births.add(lines, now);
      deps.wake();
      return { schemaVersion, kind: 'BirthReceipt', ...receipt, permit_id: body.permit_id ?? null };
    },

    'handoff.status': async ({ now }) => {
      const [cursors, missing, quarantine, types] = await withBirths(() =>
        database.read([queries.cursorStatus({}), queries.missingSinceAudit({}), openQuarantine({}), eventTypes({})]),
      );
      const { evidence, coverage } = readCoverage({ cursors, missing, quarantine }, now, deps.blocker());
      // A writer that hangs keeps nothing from being delivered; but whoever looks should see who it is.
      const blocker = evidence.blocker ?? cursors.find((cursor) => cursor.blocker != null)?.blocker ?? null;
      const fix = coverageFix(evidence, coverage);
      return {
        schemaVersion,
        kind: 'HandoffStatus',
        coverage: coverage.state,
        reason: coverage.reason,
        lag_rows: evidence.lag_rows,
        lag_seconds: lagSeconds(evidence),
        unannounced_rows: evidence.unannounced_rows,
        last_poll_at: lastPoll(evidence),
        cursor: Object.fromEntries(
          evidence.cursors.map(({ source, shard, ...cursor }) => [shard === 0 ? source : `${source}/${shard}`, cursor]),
        ),
        pending: { by_type: Object.fromEntries(types.map((type) => [type.event_type, type.pending])) },
        quarantine: evidence.quarantine,
        ...(blocker === null ? {} : { blocker }),
        paused: evidence.pause ?? null,
        ...(fix === null ? {} : { fix }),
      };
    },

    'handoff.lag': async () => {
      const [[lag]] = await withBirths(() => database.read([queries.handoffLag({})]));
      return { schemaVersion, kind: 'HandoffLag', births: 0, lag_rows: 0, unannounced_rows: 0, ...lag };
    },
  };
}
