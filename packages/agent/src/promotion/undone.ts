import { type Ack, rolledBack } from '@govctl/core/audit';
import { eventsOf, type RunState, readRunState } from '@govctl/core/promotion';
import type { Logger } from 'pino';
import { undoneAcks } from '../audit/queries.ts';
import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { runById } from './queries.ts';
import type { NotedSaga, UndoneFile } from './undone-file.ts';

/** A run as its unit would have left it. */
type Planned = { readonly row: NotedSaga['row']; readonly state: RunState };

export type UndoneSagas = {
  /** A unit could not be committed: what it would have acknowledged is kept, also beyond the end of this daemon, to be recorded as rolled back. */
  note(planned: Planned, before: readonly Ack[], error: unknown): void;
  /** Records what was noted, each in a unit of its own; what cannot be written yet stays. @returns how many were recorded */
  record(): Promise<number>;
};

/** When nothing can be recorded for long, newer ones are more telling than a full memory. */
const mostNoted = 1000;

/**
 * After a rollback a second unit says what was undone, so that history is not erased. It stands beside the run and not in it: the same
 * run_id may be sent again, and usually is.
 */
export function undoneSagas(deps: {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly file: UndoneFile;
  readonly now: () => string;
  readonly environment: string;
  readonly logger: Logger;
}): UndoneSagas {
  let noted: readonly NotedSaga[] = deps.file.load();
  const keep = (left: readonly NotedSaga[]) => {
    noted = left.slice(-mostNoted);
    deps.file.keep(noted);
  };
  return {
    note({ row, state }, before, error) {
      const acks = state.acks.filter((ack) => !before.includes(ack));
      const why = { reason: error instanceof Error ? error.message : String(error), phase: 'commit', success: true, at: deps.now() };
      if (acks.length === 0) return;
      const decided = [...before, ...acks].filter(({ domain }) => domain === 'policies');
      const decision_ref = decided.some((ack) => acks.includes(ack)) ? null : (decided[0]?.result_id ?? null);
      const { run_id, tenant_id, dataset_id, to_layer } = row;
      keep([...noted, { row: { run_id, tenant_id, dataset_id, to_layer }, acks: rolledBack(acks, why), decision_ref }]);
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
        const told = first;
        keep(noted.filter((one) => one !== told));
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
  { row, acks, decision_ref }: NotedSaga,
): Promise<boolean> {
  const { database, journal, environment } = deps;
  const { run_id, tenant_id, dataset_id, to_layer: layer } = row;
  const [[run], known] = await database.read([runById({ run_id }), undoneAcks({ run_id })]);
  const done = run === undefined ? [] : (readRunState(run.state).state?.acks ?? []);
  const same = (ack: Ack) => (one: Pick<Ack, 'domain' | 'action' | 'result_id'>) =>
    one.domain === ack.domain && one.action === ack.action && one.result_id === ack.result_id;
  // A commit whose answer was lost may have happened after all: then nothing was undone. What was done later is another attempt, whatever it
  // has in common with this one. Nor is it told twice, when a daemon ended meanwhile.
  const undone = acks.filter(
    (ack) => !done.some((one) => same(ack)(one) && one.at <= ack.at) && !known.some((one) => same(ack)(one) && one.at === ack.at),
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
