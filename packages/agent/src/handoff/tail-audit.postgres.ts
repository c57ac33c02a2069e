import type { PostgresRun } from '../db/index.ts';
import { auditSql, historySql } from './audit-sql.postgres.ts';
import type { SourceName, SourcesSql } from './source.postgres.ts';

/** Births proved, or proved again, at a time. */
const [fewestRows, mostRows] = [1_000, 10_000];

export type AuditBatch = {
  readonly sources: SourcesSql;
  readonly fit: ReadonlySet<SourceName>;
  readonly rows: number;
  /** Applies rows that were read before, without taking anything for done. */
  readonly reapply: (source: SourceName, ids: string) => Promise<unknown>;
};

type Proof = { readonly row_count: number; readonly last_id: number; readonly holes: string | null; readonly held_count: number };
const nothing: Proof = { row_count: 0, last_id: 0, holes: null, held_count: 0 };

/**
 * The truth net: proves, by anti-join and never by the cursor, that what is settled had its effect, and a slice of the rest again. A
 * hole, whatever made it, is mended at once.
 */
export class TailAudit {
  readonly #sweepLow = new Map<SourceName, number>();

  async audit(run: PostgresRun, batch: AuditBatch): Promise<void> {
    const rows = Math.min(Math.max(batch.rows, fewestRows), mostRows);
    for (const source of batch.fit) {
      const cursor = 'SELECT low_water, audited_upto FROM handoff_cursor WHERE source = :source AND shard = 0';
      const [found] = (await run<{ low_water: number; audited_upto: number }>(cursor, { source })).rows;
      if (found === undefined) continue;
      const { low_water, audited_upto } = found;
      const fresh = await prove(run, batch, source, { low: audited_upto, high: low_water, rows });
      // A quarantined row stays unproved, so that it is counted as long as it is open.
      if (low_water > audited_upto && fresh.holes === null && fresh.held_count === 0) {
        const high = fresh.row_count < rows ? low_water : fresh.last_id;
        await run('UPDATE handoff_cursor SET audited_upto = :high WHERE source = :source AND shard = 0', { high, source });
      }
      const old = await prove(run, batch, source, { low: this.#sweepLow.get(source) ?? 0, high: audited_upto, rows });
      this.#sweepLow.set(source, old.row_count < rows ? 0 : old.last_id);
    }
  }
}

async function prove(
  run: PostgresRun,
  { sources, fit, reapply }: AuditBatch,
  source: SourceName,
  range: { readonly low: number; readonly high: number; readonly rows: number },
): Promise<Proof> {
  if (range.high <= range.low) return nothing;
  const [proof = nothing] = (await run<Proof>(auditSql(sources[source]), range)).rows;
  if (proof.holes === null) return proof;
  await reapply(source, proof.holes);
  if (!fit.has('registry_changelog')) return proof;
  // What was lost of an object may be more than the row that told of it.
  const [history] = (await run<{ ids: string | null }>(historySql(sources, source), { ids: proof.holes })).rows;
  if (history?.ids != null) await reapply('registry_changelog', history.ids);
  return proof;
}
