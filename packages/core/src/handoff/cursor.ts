/** What the source itself says about its ids, read before a cursor is trusted. */
export type SourceFact = {
  readonly source: string;
  /** The table is there. */
  readonly present: boolean;
  /** Ids are never given out twice (AUTOINCREMENT). */
  readonly monotonic: boolean;
  /** Highest id ever given out; null when the source keeps no such count. */
  readonly head: number | null;
  /** Columns of the source that the tail reads and that are not there. */
  readonly missing_columns: readonly string[];
};

/** `behind`: nothing is lost, but more waits to be settled than the tail should have to remember. */
export type CursorAlarm = { readonly coverage: 'pruned' | 'drift' | 'behind'; readonly detail: string };

/**
 * May a cursor at `low_water` be trusted on this source? An id that can come back, or a head behind the cursor (restored, truncated,
 * rewound), means that new rows could hide below it: drift, and nothing is activated until an operator resumes.
 */
export function judgeSource(fact: SourceFact, lowWater: number): CursorAlarm | null {
  if (!fact.present) return { coverage: 'drift', detail: `there is no table ${fact.source}` };
  if (fact.missing_columns.length > 0) return { coverage: 'drift', detail: `columns are missing: ${fact.missing_columns.join(', ')}` };
  if (!fact.monotonic)
    return { coverage: 'drift', detail: 'ids are not AUTOINCREMENT: a pruned id could be given out again, below the cursor' };
  if (fact.head === null)
    return lowWater === 0 ? null : { coverage: 'drift', detail: `the source never gave out an id, but the cursor is at ${lowWater}` };
  if (fact.head < lowWater)
    return {
      coverage: 'drift',
      detail: `the source is at id ${fact.head}, behind the cursor at ${lowWater}: it was restored, truncated or rewound`,
    };
  return null;
}

/** A row that was read, remembered to know its source by: the newest one. */
export type Anchor = { readonly id: number; readonly object_key: string; readonly born_at: string };

/**
 * Is the newest row that was read still there, and still the same? `found` is what stands under its id now; null when nothing does.
 * `must`: nobody but us may remove rows of this source, and we never remove this one.
 */
export function judgeAnchor(anchor: Anchor | null, found: Omit<Anchor, 'id'> | null, must: boolean): CursorAlarm | null {
  if (anchor === null) return null;
  if (found === null)
    return must ? { coverage: 'pruned', detail: `row ${anchor.id}, the newest that was read, was removed: the table was emptied` } : null;
  if (found.object_key === anchor.object_key && found.born_at === anchor.born_at) return null;
  return {
    coverage: 'drift',
    detail: `row ${anchor.id} is ${found.object_key} of ${found.born_at}, and was ${anchor.object_key} of ${anchor.born_at} when it was read: its ids were given out again, by a restore or a rewind`,
  };
}

/** Ids are contiguous, so rows that are not there were removed before they were read. */
export function judgeRange(low: number, high: number, rows: number): CursorAlarm | null {
  const missing = high - low - rows;
  return missing === 0
    ? null
    : { coverage: 'pruned', detail: `${missing} of the rows ${low + 1} to ${high} were removed before they were read` };
}

/** A backlog this large, and this large a part of the source, is walked in key order. */
const keyWalkRows = 20_000;
const keyWalkShare = 0.05;

/**
 * See the tail's two lanes. In arrival order a row touches a page of its own in each key-ordered table once those outgrow the page cache; in
 * key order every row of the source is passed, which costs a thirtieth of that, and no page is written twice.
 */
export function walksByKey(backlog: number, head: number): boolean {
  return backlog >= keyWalkRows && backlog >= head * keyWalkShare;
}
