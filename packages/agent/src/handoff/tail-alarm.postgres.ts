import { type Anchor, type CursorAlarm, judgeAnchor } from '@govctl/core/handoff';
import type { PostgresRun } from '../db/index.ts';
import type { SourceName, SourceSql } from './source.postgres.ts';
import { examineSql, nowSql } from './tail-sql.postgres.ts';

/** A cursor that a batch holds. */
export type HeldCursor = {
  readonly source: SourceName;
  readonly shard: number;
  readonly low_water: number;
  readonly settled_upto: number;
  readonly audited_upto: number;
  readonly last_poll_at: string | null;
  readonly stale_since: string | null;
  readonly next_id: number | null;
  readonly source_files: string | null;
  readonly last_seen: number;
  readonly seen_ranges: number;
  readonly next_gone: boolean;
  readonly paused: boolean;
  /** JSON: the newest settled row as it was read, and what stands under its id now. */
  readonly anchor: string | null;
  readonly anchored: string | null;
  readonly now: string;
};

/** More than this waits to be settled: an operator is told. Nothing is ever skipped for it. */
const seenRangesLimit = 50_000;
const seenIdsLimit = 10_000_000;

/** An alarm stays until an operator resumes: what was lost does not come back by reading on. */
export async function raiseAlarm(run: PostgresRun, source: SourceName, alarm: CursorAlarm): Promise<void> {
  const { coverage, detail } = alarm;
  const { rows } = await run<{ now: string }>(nowSql);
  await run('UPDATE handoff_cursor SET alarm = :text WHERE source = :source AND alarm IS NULL', {
    text: JSON.stringify({ coverage, detail, raised_at: rows[0]?.now ?? '' }),
    source,
  });
}

/**
 * What says that rows were lost or may hide: a head behind what was read, a known row that is gone, a table that was emptied. `head` is
 * null where it was not asked for this batch; `closely` also looks at the table's files.
 */
export async function watchSource(
  run: PostgresRun,
  source: SourceSql,
  cursor: HeldCursor,
  head: number | null,
  closely: boolean,
): Promise<void> {
  const { low_water, last_seen, source_files } = cursor;
  const alarm = (raised: CursorAlarm) => raiseAlarm(run, source.name, raised);
  const read = Math.max(low_water, last_seen);
  if (head !== null && head < read)
    await alarm({
      coverage: 'drift',
      detail: `the source is at id ${head}, behind the cursor at ${read}: it was restored, truncated or rewound`,
    });
  // Whoever owns the table may remove what was read; but not give out its ids again.
  const mismatch = judgeAnchor(parsed<Anchor>(cursor.anchor), parsed<Omit<Anchor, 'id'>>(cursor.anchored), false);
  if (mismatch !== null) await alarm(mismatch);
  if (cursor.next_gone)
    await alarm({ coverage: 'pruned', detail: `row ${cursor.next_id} and perhaps others were removed before they were read` });
  if (cursor.seen_ranges > seenRangesLimit || last_seen - low_water > seenIdsLimit)
    await alarm({
      coverage: 'behind',
      detail: `${last_seen - low_water} ids wait to be settled: a transaction that writes to the source does not end`,
    });
  if (!closely) return;
  const [found] = (await run<Examined>(examineSql(source))).rows;
  if (found === undefined || found.files === source_files) return;
  if (source_files !== null && low_water > 0 && !found.has_old)
    await alarm({ coverage: 'pruned', detail: `the table was truncated: nothing up to id ${low_water} is there any more` });
  await run('UPDATE handoff_cursor SET source_files = :files WHERE source = :source', { files: found.files, source: source.name });
}

function parsed<T>(json: string | null): T | null {
  return json === null ? null : (JSON.parse(json) as T);
}

type Examined = {
  readonly low_water: number;
  readonly files: string | null;
  readonly has_old: boolean;
  readonly collapsed: boolean;
  readonly first_above: number | null;
};

/** The first look after a takeover: were rows removed while nobody read? */
export async function greetSource(run: PostgresRun, source: SourceSql): Promise<void> {
  const [found] = (await run<Examined>(examineSql(source))).rows;
  if (found === undefined || found.low_water === 0 || found.has_old || !found.collapsed || found.first_above === null) return;
  if (found.first_above > found.low_water + 1)
    await raiseAlarm(run, source.name, {
      coverage: 'pruned',
      detail: `rows ${found.low_water + 1} to ${found.first_above - 1} are not there, nor is anything before them: they were removed before they were read`,
    });
}

/** Is this still the server that the cursors were made on? Both are "system identifier:timeline". */
export function judgeEpoch(before: string | null, now: string): CursorAlarm | null {
  if (before === null || before === now) return null;
  const [oldSystem] = before.split(':');
  const [system] = now.split(':');
  if (oldSystem !== system)
    return { coverage: 'drift', detail: `this is another server (${now}, before ${before}): it was restored from a dump or replaced` };
  // Source and cursor went back together, so nothing needs reading again; but births that were acknowledged may be gone.
  return { coverage: 'pruned', detail: `the server was failed over or restored to a point in time (${now}, before ${before})` };
}
