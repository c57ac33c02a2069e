import type { CoverageFact } from '@govctl/core/decision';
import { type Coverage, type CoverageEvidence, type CursorFact, type HandoffPause, judgeCoverage } from '@govctl/core/handoff';
import type { Database } from '../db/index.ts';
import { type CursorStatusRow, candidateByKey, type HandoffQueries, openQuarantine, ospaCount } from './queries.ts';

export type CoverageReading = { readonly evidence: CoverageEvidence; readonly coverage: Coverage };

/** A cursor row as the kernel judges it. */
function cursorFact({ position: _position, paused_at: _at, paused_by: _by, pause_reason: _reason, ...row }: CursorStatusRow): CursorFact {
  return { ...row, alarm: row.alarm === null ? null : (JSON.parse(row.alarm) as CursorFact['alarm']) };
}

/** Who stopped the tail, where somebody did. */
export function pauseOf(cursors: readonly CursorStatusRow[]): HandoffPause | null {
  const row = cursors.find((cursor) => cursor.paused_at !== null);
  if (row === undefined) return null;
  return { paused_at: row.paused_at ?? '', paused_by: row.paused_by ?? '', reason: row.pause_reason ?? '' };
}

type Rows = {
  readonly cursors: readonly CursorStatusRow[];
  readonly missing: readonly { lag_rows: number; unannounced_rows: number }[];
  readonly quarantine: readonly { quarantine: number }[];
};

/** Judges rows read together; `blocker` is what keeps the tail from reading, where something does. */
export function readCoverage(rows: Rows, now: string, blocker: string | null): CoverageReading {
  const [missing] = rows.missing;
  const evidence: CoverageEvidence = {
    as_of: now,
    cursors: rows.cursors.map(cursorFact),
    lag_rows: missing?.lag_rows ?? 0,
    unannounced_rows: missing?.unannounced_rows ?? 0,
    quarantine: rows.quarantine[0]?.quarantine ?? 0,
    pause: pauseOf(rows.cursors),
    blocker,
  };
  return { evidence, coverage: judgeCoverage(evidence) };
}

/** The oldest heartbeat: the cursor that was read last of all proves nothing for the others. */
export function lastPoll(evidence: CoverageEvidence): string | null {
  const polls = evidence.cursors.map((cursor) => cursor.last_poll_at).sort();
  return polls.includes(null) ? null : (polls[0] ?? null);
}

/**
 * What a promotion whose contract builds on handoff is told of an object. Where births cannot be read, nothing is known: the gate
 * defers.
 */
export function coverageSource(database: Database, queries: HandoffQueries, blocker: () => string | null) {
  return {
    async factOf(objectKey: string, now: string): Promise<{ coverage: CoverageFact | null; ospa_count: number | null }> {
      const [cursors, missing, quarantine, candidates, ospa] = await database.read([
        queries.cursorStatus({}),
        queries.missingSinceAudit({}),
        openQuarantine({}),
        candidateByKey({ object_key: objectKey }),
        ospaCount({ object_key: objectKey }),
      ]);
      const { evidence, coverage } = readCoverage({ cursors, missing, quarantine }, now, blocker());
      const [candidate] = candidates;
      return {
        coverage: {
          state: coverage.state,
          object_key: objectKey,
          covered: candidate !== undefined && candidate.born_at !== null,
          lag_rows: evidence.lag_rows,
          last_poll_at: lastPoll(evidence),
        },
        ospa_count: ospa[0]?.ospa_count ?? 0,
      };
    },
  };
}
