import { goneError, planRetry, type RetriedRow } from '@govctl/core/handoff';
import type { TailApply } from './tail-apply.ts';
import type { SqliteTailSession } from './tail-session.ts';
import { fault, type SourceName, sources } from './tail-sql.ts';

type AskedRow = { readonly source: SourceName; readonly id: number; readonly object_key: string | null };
type ReadAgain = { readonly id: number; readonly fault: string | null };

const asked = 'retry_asked_at IS NOT NULL AND resolved_at IS NULL';

/** Applies rows of the quarantine again, where somebody asked for it: in the order of their ids, up to the first that fails of a key. */
export class TailMend {
  readonly #session: SqliteTailSession;
  readonly #apply: TailApply;

  constructor(session: SqliteTailSession, apply: TailApply) {
    this.#session = session;
    this.#apply = apply;
  }

  asked(): boolean {
    return this.#session.all(`SELECT 1 FROM handoff_quarantine WHERE ${asked} LIMIT 1`).length > 0;
  }

  /** Rows that wait behind nothing any more are asked for, whatever took away what they waited for. */
  release(): void {
    this.#session.run(
      `UPDATE handoff_quarantine SET retry_asked_at = :now WHERE resolved_at IS NULL AND waits = 1 AND retry_asked_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM handoff_quarantine q WHERE q.object_key = handoff_quarantine.object_key AND q.resolved_at IS NULL AND q.waits = 0)`,
      { now: this.#session.now() },
    );
  }

  /** The next rows asked for, at most so many. */
  step(rows: number): number {
    const picked = this.#pick(rows);
    const found = new Map<string, string | null>();
    for (const source of Object.keys(sources) as SourceName[]) {
      const ids = picked.filter((row) => row.source === source).map((row) => row.id);
      for (const row of this.#readAgain(source, ids)) found.set(`${source} ${row.id}`, row.fault);
    }
    const plan = planRetry(
      picked.map((row) => {
        const fault = found.get(`${row.source} ${row.id}`);
        return { ...row, fault: fault === undefined ? goneError : fault };
      }),
    );
    for (const row of plan.fail) this.#fail(row, row.fault ?? '');
    for (const row of plan.apply) {
      this.#session.run(
        `UPDATE handoff_quarantine SET resolved_at = :now, resolution = CASE waits WHEN 1 THEN 'released' ELSE 'retried' END,
           attempts = attempts + 1, last_attempt_at = :now, retry_asked_at = NULL WHERE source = :source AND id = :id`,
        { now: this.#session.now(), source: row.source, id: row.id },
      );
    }
    for (const source of Object.keys(sources) as SourceName[])
      this.#apply.ids(
        source,
        plan.apply.filter((row) => row.source === source).map((row) => row.id),
      );
    return picked.length;
  }

  /** The first row asked for is one that no statement takes. */
  failFirst(error: Error): void {
    for (const row of this.#pick(1)) this.#fail({ ...row, fault: error.message }, error.message);
  }

  #pick(rows: number): AskedRow[] {
    return this.#session.all<AskedRow>(
      `SELECT source, id, object_key FROM handoff_quarantine WHERE ${asked} ORDER BY object_key, source, id LIMIT :rows`,
      { rows },
    );
  }

  #readAgain(source: SourceName, ids: readonly number[]): ReadAgain[] {
    if (ids.length === 0) return [];
    const { table, id } = sources[source];
    return this.#session.all<ReadAgain>(
      `SELECT r.${id} AS id, ${fault(source)} AS fault FROM ${table} r WHERE r.${id} IN (SELECT value FROM json_each(:ids))`,
      { ids: JSON.stringify(ids) },
    );
  }

  #fail({ source, id, object_key }: RetriedRow, error: string): void {
    const now = this.#session.now();
    this.#session.run(
      `UPDATE handoff_quarantine SET attempts = attempts + 1, last_attempt_at = :now, error = :error, waits = 0, retry_asked_at = NULL
       WHERE source = :source AND id = :id`,
      { now, error, source, id },
    );
    // What comes after it waits on.
    if (object_key !== null)
      this.#session.run(`UPDATE handoff_quarantine SET retry_asked_at = NULL WHERE object_key = :object_key AND ${asked}`, { object_key });
  }
}
