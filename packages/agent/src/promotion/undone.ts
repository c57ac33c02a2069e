import { type Ack, rolledBack } from '@govctl/core/audit';
import { eventsOf, type RunRow, type RunState } from '@govctl/core/promotion';
import type { Logger } from 'pino';
import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { runById } from './queries.ts';

/** A run as its unit would have left it. */
type Planned = { readonly row: Pick<RunRow, 'run_id' | 'tenant_id' | 'dataset_id' | 'to_layer'>; readonly state: RunState };

type Noted = {
  readonly row: Planned['row'];
  readonly acks: readonly Ack[];
  /** The decision that stands all the same: one that was recorded before. */
  readonly decision_ref: string | null;
};

export type UndoneSagas = {
  /** A unit could not be committed: what it would have acknowledged is kept, to be recorded as rolled back. */
  note(planned: Planned, before: readonly Ack[], error: unknown): void;
  /** Records what was noted, each in a unit of its own; what cannot be written yet stays. @returns how many were recorded */
  record(): Promise<number>;
};

/** When nothing can be written for long, newer ones are more telling than a full memory. */
const mostNoted = 1000;

/**
 * After a rollback a second unit says what was undone, so that history is not erased. It stands beside the run and not in it: the same
 * run_id may be sent again, and usually is.
 */
export function undoneSagas(deps: {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly now: () => string;
  readonly environment: string;
  readonly logger: Logger;
}): UndoneSagas {
  let noted: Noted[] = [];
  return {
    note({ row, state }, before, error) {
      const acks = state.acks.filter((ack) => !before.includes(ack));
      const why = { reason: error instanceof Error ? error.message : String(error), phase: 'commit', success: true, at: deps.now() };
      const decided = [...before, ...acks].filter(({ domain }) => domain === 'policies');
      const decision_ref = decided.some((ack) => acks.includes(ack)) ? null : (decided[0]?.result_id ?? null);
      noted = [...noted, { row, acks: rolledBack(acks, why), decision_ref }].slice(-mostNoted);
    },

    async record() {
      let recorded = 0;
      for (let first = noted[0]; first !== undefined; first = noted[0]) {
        try {
          if (await writeUndone(deps, first)) recorded += 1;
        } catch (error) {
          deps.logger.warn({ err: error, run_id: first.row.run_id }, 'what was rolled back cannot be recorded yet');
          return recorded;
        }
        noted = noted.slice(1);
      }
      return recorded;
    },
  };
}

async function writeUndone(
  deps: {
    readonly database: Database;
    readonly journal: Pick<Journal, 'commit'>;
    readonly now: () => string;
    readonly environment: string;
  },
  { row, acks, decision_ref }: Noted,
): Promise<boolean> {
  const { database, journal, environment } = deps;
  const { run_id, tenant_id, dataset_id, to_layer: layer } = row;
  const [[run]] = await database.read([runById({ run_id })]);
  const done = run === undefined ? [] : (JSON.parse(run.state) as RunState).acks;
  // A commit whose answer was lost may have happened after all: then nothing was undone.
  const undone = acks.filter(
    (ack) => !done.some(({ action, result_id, domain }) => domain === ack.domain && action === ack.action && result_id === ack.result_id),
  );
  if (undone.length === 0) return false;
  const moved = undone.find(({ domain, action }) => domain === 'store' && action === 'promote');
  const result = await journal.commit({
    label: 'saga.rolled-back',
    changes: undone.map(({ domain, action, result_id, rollback_reason = null, metadata = {}, at }) => ({
      write: 'audit-ack.insert',
      values: { run_id, domain, action, result_id, status: 'ROLLED_BACK', rollback_reason, metadata: JSON.stringify(metadata), at },
    })),
    records: [],
    events:
      moved === undefined
        ? []
        : eventsOf({ time: deps.now(), tenant_id, dataset_id, layer, run_id, environment }, [
            ['store.promotion.failed', { decision_ref, reason: moved.rollback_reason ?? null, rolls_back: null }],
          ]),
  });
  return result.ok;
}
