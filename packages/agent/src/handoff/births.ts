import { Problem, type ProblemReason } from '@govctl/core/api';
import { type SqliteHandle, StatementCache } from '../db/index.ts';
import {
  type AdmittedLine,
  type BirthReceipt,
  type Births,
  knownRefusal,
  type NewPermit,
  type PermitRow,
  payloadText,
  permitRefusal,
  permitTaken,
  refusedLine,
  refusedLines,
} from './birth-admission.ts';
import {
  type ChangelogPruner,
  type PruneSelection,
  type PruneSlice,
  type PruneSurvey,
  pruneSql,
  pruneUpto,
  type SliceDone,
} from './prune.ts';

const sql = {
  permit: 'SELECT * FROM birth_permit WHERE permit_id = :permit_id',
  issue: `INSERT INTO birth_permit (permit_id, kind, object_key, object_type, max_births, reason, issued_at, issued_by, expires_at)
    SELECT :permit_id, :kind, :object_key, :object_type, :max_births, :reason, :issued_at, :issued_by, :expires_at
    WHERE NOT EXISTS (SELECT 1 FROM birth_permit WHERE permit_id = :permit_id)`,
  use: 'UPDATE birth_permit SET birth_count = birth_count + :births, used_at = :used_at WHERE permit_id = :permit_id',
  known: 'SELECT object_type FROM birth_registry WHERE object_key = :object_key AND born_at = :born_at',
  register: `INSERT INTO birth_registry (object_key, object_type, born_at, permit_id, payload)
    VALUES (:object_key, :object_type, :born_at, :permit_id, :payload)`,
  // Not ON CONFLICT DO NOTHING: that would burn an id, and a missing id is the sign of a removed row.
  log: `INSERT INTO registry_changelog (object_key, change, born_at, payload)
    SELECT :object_key, :change, :born_at, :payload
    WHERE NOT EXISTS (SELECT 1 FROM registry_changelog WHERE object_key = :object_key AND born_at = :born_at AND change = :change)`,
} as const;

const prune = pruneSql('SELECT value FROM json_each(:kept)');

/** The writer of births.db, and the only one. A request is one transaction. */
export class SqliteBirths implements Births, ChangelogPruner {
  readonly #handle: SqliteHandle;
  readonly #cache: StatementCache;

  constructor(handle: SqliteHandle) {
    this.#handle = handle;
    this.#cache = new StatementCache(handle);
  }

  issue(permit: NewPermit): void {
    this.#write(() => {
      if (this.#cache.get(sql.issue).run(permit).changes !== 1) throw permitTaken(permit);
    });
  }

  add(lines: readonly AdmittedLine[], now: string): BirthReceipt {
    return this.#write(() => {
      const receipt: BirthReceipt = { born: 0, changed: 0, retired: 0, already: 0 };
      const reasons: ProblemReason[] = [];
      const permits = new Map<string, PermitRow | undefined>();
      const used = new Map<string, number>();
      for (const [index, line] of lines.entries()) {
        const refusal = line.change === 'BORN' ? this.#birth(line, now, permits, used, receipt) : this.#change(line, receipt);
        if (refusal !== null) reasons.push(refusedLine(index, line, refusal));
      }
      if (reasons.length > 0) throw refusedLines(reasons, lines.length);
      for (const [permit_id, births] of used) this.#cache.get(sql.use).run({ permit_id, births, used_at: now });
      return receipt;
    });
  }

  survey({ bound, before, keep, kept }: PruneSelection): PruneSurvey {
    const bounds = this.#cache.get(prune.bounds).get({ bound, keep: keep ?? 0 }) as { settled: number; old: number | null };
    const upto = pruneUpto(bounds, keep);
    const params = { upto, before, kept: JSON.stringify(kept) };
    return { upto, ...(this.#cache.get(prune.survey).get(params) as Omit<PruneSurvey, 'upto'>) };
  }

  slice({ after, upto, before, kept }: PruneSlice): SliceDone {
    return this.#write(() => {
      const { reach } = this.#cache.get(prune.reach).get({ after, upto }) as { reach: number | null };
      if (reach === null) return { walked_upto: upto, removed: 0 };
      const { changes } = this.#cache.get(prune.remove).run({ after, reach, before, kept: JSON.stringify(kept) });
      return { walked_upto: reach, removed: changes };
    });
  }

  #birth(
    line: AdmittedLine,
    now: string,
    permits: Map<string, PermitRow | undefined>,
    used: Map<string, number>,
    receipt: BirthReceipt,
  ): string | null {
    const { object_key, object_type, born_at } = line;
    const known = this.#cache.get(sql.known).get({ object_key, born_at }) as { object_type: string } | undefined;
    if (known !== undefined) {
      const refusal = knownRefusal(known, line);
      if (refusal === null) receipt.already += 1;
      return refusal;
    }
    const permitId = line.permit_id;
    if (permitId === undefined) return 'no permit';
    if (!permits.has(permitId)) permits.set(permitId, this.#cache.get(sql.permit).get({ permit_id: permitId }) as PermitRow | undefined);
    const before = used.get(permitId) ?? 0;
    const refusal = permitRefusal(permits.get(permitId), line, before, now);
    if (refusal !== null) return `permit ${permitId} ${refusal}`;
    used.set(permitId, before + 1);
    this.#cache.get(sql.register).run({ object_key, object_type, born_at, permit_id: permitId, payload: payloadText(line) });
    this.#cache.get(sql.log).run({ object_key, change: 'BORN', born_at, payload: payloadText(line) });
    receipt.born += 1;
    return null;
  }

  #change(line: AdmittedLine, receipt: BirthReceipt): null {
    const { object_key, change, born_at } = line;
    const { changes } = this.#cache.get(sql.log).run({ object_key, change, born_at, payload: payloadText(line) });
    if (changes === 0) receipt.already += 1;
    else if (change === 'RETIRED') receipt.retired += 1;
    else receipt.changed += 1;
    return null;
  }

  #write<T>(work: () => T): T {
    try {
      this.#handle.exec('BEGIN IMMEDIATE');
      const result = work();
      this.#handle.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#handle.inTransaction) this.#handle.exec('ROLLBACK');
      const code = String((error as { code?: unknown }).code ?? '');
      if (!code.startsWith('SQLITE_')) throw error;
      throw new Problem('unavailable', {
        detail: `nothing was done: births.db could not be written (${code === 'SQLITE_FULL' ? 'the disk is full' : code})`,
        hint: 'mend the state folder and send the same again: what is known is not repeated',
        cause: error,
      });
    }
  }
}
