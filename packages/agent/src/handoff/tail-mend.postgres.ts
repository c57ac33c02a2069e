import { goneError, planRetry, type RetriedRow } from '@govctl/core/handoff';
import type { PostgresRun } from '../db/index.ts';
import type { SourceName, SourceSql } from './source.postgres.ts';

type AskedRow = { readonly source: SourceName; readonly id: number; readonly object_key: string | null };
/** Applies rows of a source by their ids, a multirange. */
export type Reapply = (source: SourceName, ids: string) => Promise<unknown>;

const asked = 'retry_asked_at IS NOT NULL AND resolved_at IS NULL';

/** Rows that wait behind nothing any more are asked for, whatever took away what they waited for. */
export async function releaseRows(run: PostgresRun, now: string): Promise<void> {
  await run(
    `UPDATE handoff_quarantine w SET retry_asked_at = :now WHERE w.resolved_at IS NULL AND w.waits = 1 AND w.retry_asked_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.object_key = w.object_key AND q.resolved_at IS NULL AND q.waits = 0)`,
    { now },
  );
}

/**
 * Applies rows of the quarantine again, where somebody asked for it: in the order of their ids, up to the first that fails of a key. What
 * is marked as applied and cannot be after all is put back by the statement that finds it so.
 */
export async function mendRows(
  run: PostgresRun,
  readable: readonly SourceSql[],
  { rows, now, reapply }: { readonly rows: number; readonly now: string; readonly reapply: Reapply },
): Promise<number> {
  const picked = await pick(run, readable, rows);
  const found = new Map<string, string | null>();
  for (const source of readable) {
    for (const row of await readAgain(run, source, idsOf(picked, source.name))) found.set(`${source.name} ${row.id}`, row.fault);
  }
  const plan = planRetry(
    picked.map((row) => {
      const fault = found.get(`${row.source} ${row.id}`);
      return { ...row, fault: fault === undefined ? goneError : fault };
    }),
  );
  for (const row of plan.fail) await fail(run, row, row.fault ?? '', now);
  for (const { name } of readable) {
    const ids = idsOf(plan.apply, name);
    if (ids.length === 0) continue;
    await run(
      `UPDATE handoff_quarantine SET resolved_at = :now, resolution = CASE waits WHEN 1 THEN 'released' ELSE 'retried' END,
         attempts = attempts + 1, last_attempt_at = :now, retry_asked_at = NULL
       WHERE source = :source AND id IN (SELECT value::bigint FROM json_array_elements_text((:ids)::json))`,
      { now, source: name, ids: JSON.stringify(ids) },
    );
  }
  // The marks first, of both sources: a key's rows are held back by what is open, in either.
  for (const { name } of readable) {
    const ids = idsOf(plan.apply, name);
    if (ids.length > 0) await reapply(name, `{${ids.map((id) => `[${id},${id + 1})`).join(',')}}`);
  }
  return picked.length;
}

/** The first row asked for is one that no statement takes. */
export async function failFirst(run: PostgresRun, readable: readonly SourceSql[], error: string, now: string): Promise<void> {
  for (const row of await pick(run, readable, 1)) await fail(run, { ...row, fault: error }, error, now);
}

async function pick(run: PostgresRun, readable: readonly SourceSql[], rows: number): Promise<readonly AskedRow[]> {
  const picked = await run<AskedRow>(
    `SELECT source, id, object_key FROM handoff_quarantine WHERE ${asked} AND source IN (SELECT json_array_elements_text((:sources)::json))
     ORDER BY object_key, source, id LIMIT :rows FOR UPDATE`,
    { rows, sources: JSON.stringify(readable.map(({ name }) => name)) },
  );
  return picked.rows;
}

async function readAgain(run: PostgresRun, source: SourceSql, ids: readonly number[]) {
  if (ids.length === 0) return [];
  const { rows } = await run<{ id: number; fault: string | null }>(
    `SELECT raw.id, ${source.fault('false')} AS fault FROM (
       SELECT ${source.id}::bigint AS id, ${source.object_key} AS object_key, ${source.change} AS change, ${source.born_at} AS born_at
       FROM ${source.table} r WHERE ${source.id} IN (SELECT value::bigint FROM json_array_elements_text((:ids)::json))) AS raw`,
    { ids: JSON.stringify(ids) },
  );
  return rows;
}

async function fail(run: PostgresRun, { source, id, object_key }: RetriedRow, error: string, now: string): Promise<void> {
  await run(
    `UPDATE handoff_quarantine SET attempts = attempts + 1, last_attempt_at = :now, error = :error, waits = 0, retry_asked_at = NULL
     WHERE source = :source AND id = :id`,
    { now, error, source, id },
  );
  // What comes after it waits on.
  if (object_key !== null)
    await run(`UPDATE handoff_quarantine SET retry_asked_at = NULL WHERE object_key = :object_key AND ${asked}`, { object_key });
}

function idsOf(rows: readonly RetriedRow[] | readonly AskedRow[], source: SourceName): number[] {
  return rows.filter((row) => row.source === source).map((row) => row.id);
}
