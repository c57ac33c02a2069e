import type { Unit } from '../journal/unit.ts';
import { factRecord, type HandoffContext } from './handoff-unit.ts';

/** Units of what operators do to the handoff: quarantine, pause and prune. Each leaves a governance fact with its reason. */

/** Rows of the quarantine that an act names. */
export type QuarantineSelector = { readonly source: string | null; readonly id: number | null; readonly object_key: string | null };
export type QuarantinedRow = { readonly source: string; readonly id: number; readonly object_key: string | null; readonly error: string };

/** Named in a record; more are counted. */
const namedRows = 100;

function named(rows: readonly QuarantinedRow[]) {
  return rows.slice(0, namedRows).map(({ source, id, object_key, error }) => ({ source, id, object_key, error }));
}

/** Asks the tail to apply rows again: all that stand aside of the objects selected, in order. */
export function retryQuarantine(
  context: HandoffContext,
  input: { selector: QuarantineSelector; rows: readonly QuarantinedRow[]; row_count: number; reason: string },
): Unit {
  const { selector, rows, row_count, reason } = input;
  const detail = { selector: { ...selector }, row_count, rows: named(rows) };
  const draft = factRecord(context, { fact: 'handoff.quarantine-retry', subject: 'handoff/quarantine', reason, detail });
  const values = { ...selector, asked_at: context.at, retry_ref: draft.ref };
  return { label: 'handoff.quarantine-retry', changes: [{ write: 'handoff.quarantine-retry', values }], records: [draft], events: [] };
}

/** Gives rows up for ever: they are never applied and no lag any more; what waited behind them is applied by the tail. */
export function discardQuarantine(context: HandoffContext, input: { rows: readonly QuarantinedRow[]; reason: string }): Unit {
  const { rows, reason } = input;
  const draft = factRecord(context, {
    fact: 'handoff.quarantine-discard',
    subject: 'handoff/quarantine',
    reason,
    detail: { row_count: rows.length, rows: rows.map(({ source, id, object_key, error }) => ({ source, id, object_key, error })) },
  });
  const { at, actor } = context;
  return {
    label: 'handoff.quarantine-discard',
    changes: [
      ...rows.map(({ source, id }) => {
        const values = { source, id, resolved_at: at, resolved_by: actor.actor_id, reason };
        return { write: 'handoff.quarantine-discard', values } as const;
      }),
      ...[...new Set(rows.map((row) => row.object_key))].flatMap((object_key) =>
        object_key === null ? [] : [{ write: 'handoff.quarantine-release', values: { object_key, asked_at: at } } as const],
      ),
    ],
    records: [draft],
    events: [],
  };
}

/** Stops the tail of every host until somebody resumes it. Births go on. */
export function pauseHandoff(context: HandoffContext, reason: string): Unit {
  const draft = factRecord(context, { fact: 'handoff.pause', subject: 'handoff/tail', reason, detail: {} });
  const values = { paused_at: context.at, paused_by: context.actor.actor_id, pause_reason: reason };
  return { label: 'handoff.pause', changes: [{ write: 'handoff.pause', values }], records: [draft], events: [] };
}

export type PrunePlan = {
  readonly prune_id: string;
  readonly upto: number;
  readonly before_at: string | null;
  readonly planned_rows: number;
  /** The id below the first row that may go. */
  readonly walked_upto: number;
};

/** Puts on record which rows of the changelog go, before the first of them does. */
export function startPrune(context: HandoffContext, plan: PrunePlan, reason: string): Unit {
  const { prune_id, upto, before_at, planned_rows } = plan;
  const detail = { source: 'registry_changelog', upto, before_at, planned_rows };
  const draft = factRecord(context, { fact: 'handoff.prune', subject: `handoff/prune/${prune_id}`, reason, detail });
  const values = { ...plan, reason, started_at: context.at, started_by: context.actor.actor_id, evidence_ref: draft.ref };
  return {
    label: 'handoff.prune',
    changes: [
      // First: the tail must know that these may be gone.
      { write: 'handoff.prune-mark', values: { upto } },
      { write: 'handoff.prune-start', values },
    ],
    records: [draft],
    events: [],
  };
}

/** A slice of a prune is done. */
export function advancePrune(input: {
  prune_id: string;
  from: number;
  walked_upto: number;
  removed: number;
  finished_at: string | null;
}): Unit {
  return { label: 'handoff.prune-advance', changes: [{ write: 'handoff.prune-advance', values: input }], records: [], events: [] };
}
