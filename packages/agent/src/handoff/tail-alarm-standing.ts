import type { AlertSignal } from '@govctl/core/alert';
import type { CursorAlarm } from '@govctl/core/handoff';
import type { Standing } from '../alert/standing.ts';
import { type Database, query } from '../db/index.ts';

const cursorAlarms = query<Record<never, never>, { source: string; alarm: string | null }>(
  'alarms of cursors',
  'SELECT source, alarm FROM handoff_cursor ORDER BY source, shard',
);

/** What the tail found wrong with a source fires until an operator resumes, or until it is over by itself: nothing is activated meanwhile. */
export function alarmedSources(database: Database, now: () => string): Standing {
  return async () => {
    const [rows] = await database.read([cursorAlarms({})]);
    return [...Map.groupBy(rows, ({ source }) => source)].map(([source, of]) => {
      const text = of.find(({ alarm }) => alarm !== null)?.alarm ?? null;
      return signalOf(source, text === null ? null : (JSON.parse(text) as CursorAlarm), now());
    });
  };
}

function signalOf(source: string, alarm: CursorAlarm | null, at: string): AlertSignal {
  const alert_key = `handoff.alarm/${source}`;
  if (alarm === null) return { state: 'resolved', alert_key, why: 'the source is read again without an alarm', at };
  return {
    state: 'firing',
    alert_key,
    domain: 'handoff',
    severity: alarm.coverage === 'behind' ? 'medium' : 'high',
    summary: `Coverage of ${source} is ${alarm.coverage}: ${alarm.detail}`.slice(0, 512),
    fix: 'govctl handoff status',
    parent_key: null,
    dataset_id: null,
    run_id: null,
    event_id: null,
    at,
  };
}
