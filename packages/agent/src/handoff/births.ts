import { isProblem, Problem, type ProblemReason } from '@govctl/core/api';
import type { PermitTerms } from '@govctl/core/handoff';
import { isLocked, type SqliteHandle, StatementCache } from '../db/index.ts';
import {
  type AdmittedLine,
  type BirthReceipt,
  type Births,
  type FoundPermit,
  knownRefusal,
  type PermitRow,
  payloadText,
  permitRefusal,
  permitTaken,
  type Revocation,
  type RevokedPermit,
  refusedLine,
  refusedLines,
  termsOf,
} from './birth-admission.ts';
import type { PermitSeal } from './permit/seal.ts';
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
  issue: `INSERT INTO birth_permit (permit_id, kind, object_key, object_type, max_births, reason, issued_at, issued_by, expires_at, seal)
    SELECT :permit_id, :kind, :object_key, :object_type, :max_births, :reason, :issued_at, :issued_by, :expires_at, :seal
    WHERE NOT EXISTS (SELECT 1 FROM birth_permit WHERE permit_id = :permit_id)`,
  permits: `SELECT * FROM birth_permit WHERE :object_key IS NULL OR object_key = :object_key ORDER BY issued_at DESC, permit_id LIMIT :limit`,
  revoke: `UPDATE birth_permit SET revoked_at = :revoked_at, revoked_by = :revoked_by, revoke_reason = :reason
    WHERE permit_id = :permit_id AND revoked_at IS NULL AND (kind = 'bulk' OR used_at IS NULL)`,
  // Not the permit's own word for it: whoever can reset that must not be able to use it again.
  born: 'SELECT 1 FROM birth_registry WHERE object_key = :object_key AND permit_id = :permit_id',
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

export type BirthRequest = { readonly lines: readonly AdmittedLine[]; readonly now: string };
/** `refusal`: why none of its lines was registered. */
export type BirthOutcome =
  | { readonly receipt: BirthReceipt; readonly refusal?: undefined }
  | { readonly refusal: unknown; readonly receipt?: undefined };

/** The writer of births.db, and the only one. A request is one transaction. */
export class SqliteBirths implements Births, ChangelogPruner {
  readonly #handle: SqliteHandle;
  readonly #cache: StatementCache;
  readonly #seal: PermitSeal;

  constructor(handle: SqliteHandle, seal: PermitSeal) {
    this.#handle = handle;
    this.#seal = seal;
    this.#cache = new StatementCache(handle);
  }

  issue(permit: PermitTerms): void {
    const seal = this.#seal.seal(permit);
    this.#write(() => {
      if (this.#cache.get(sql.issue).run({ ...permit, seal }).changes !== 1) throw permitTaken(permit);
    });
  }

  permits(filter: { readonly object_key: string | null; readonly limit: number }): PermitRow[] {
    return this.#cache.get(sql.permits).all(filter) as PermitRow[];
  }

  revoke({ permit_id, ...revocation }: Revocation): RevokedPermit {
    return this.#write(() => {
      const { changes } = this.#cache.get(sql.revoke).run({ permit_id, ...revocation });
      return { permit: this.#cache.get(sql.permit).get({ permit_id }) as PermitRow | undefined, changed: changes === 1 };
    });
  }

  add(lines: readonly AdmittedLine[], now: string): BirthReceipt {
    return this.#write(() => this.#add(lines, now));
  }

  /** Several requests in one durable transaction, in their order: each is all of its lines or none. @throws where nothing was done at all */
  addTogether(requests: readonly BirthRequest[]): BirthOutcome[] {
    return this.#write(() => requests.map((request) => this.#inSavepoint(request)));
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

  #inSavepoint({ lines, now }: BirthRequest): BirthOutcome {
    this.#cache.get('SAVEPOINT request').run({});
    let outcome: BirthOutcome;
    try {
      outcome = { receipt: this.#add(lines, now) };
    } catch (refusal) {
      if (!isProblem(refusal)) throw refusal;
      this.#cache.get('ROLLBACK TO request').run({});
      outcome = { refusal };
    }
    this.#cache.get('RELEASE request').run({});
    return outcome;
  }

  #add(lines: readonly AdmittedLine[], now: string): BirthReceipt {
    const receipt: BirthReceipt = { born: 0, changed: 0, retired: 0, already: 0 };
    const reasons: ProblemReason[] = [];
    const permits = new Map<string, FoundPermit | undefined>();
    const used = new Map<string, number>();
    for (const [index, line] of lines.entries()) {
      const refusal = line.change === 'BORN' ? this.#birth(line, now, permits, used, receipt) : this.#change(line, receipt);
      if (refusal !== null) reasons.push(refusedLine(index, line, refusal));
    }
    if (reasons.length > 0) throw refusedLines(reasons, lines.length);
    for (const [permit_id, births] of used) this.#cache.get(sql.use).run({ permit_id, births, used_at: now });
    return receipt;
  }

  #birth(
    line: AdmittedLine,
    now: string,
    permits: Map<string, FoundPermit | undefined>,
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
    if (!permits.has(permitId)) permits.set(permitId, this.#found(permitId));
    const before = used.get(permitId) ?? 0;
    const refusal = permitRefusal(permits.get(permitId), line, before, now);
    if (refusal !== null) return `permit ${permitId} ${refusal}`;
    used.set(permitId, before + 1);
    this.#cache.get(sql.register).run({ object_key, object_type, born_at, permit_id: permitId, payload: payloadText(line) });
    this.#cache.get(sql.log).run({ object_key, change: 'BORN', born_at, payload: payloadText(line) });
    receipt.born += 1;
    return null;
  }

  #found(permit_id: string): FoundPermit | undefined {
    const row = this.#cache.get(sql.permit).get({ permit_id }) as PermitRow | undefined;
    if (row === undefined) return undefined;
    const born = row.kind === 'single' && this.#cache.get(sql.born).get({ permit_id, object_key: row.object_key }) !== undefined;
    return { row, sealed: this.#seal.holds(termsOf(row), row.seal), born };
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
      if (isLocked(error))
        throw new Problem('unavailable', {
          detail: 'nothing was done: another process writes births.db, and did not end in time',
          hint: 'end what has births.db open besides govd (a shell, a copy, a script), and send the same again: what is known is not repeated',
          cause: error,
        });
      throw new Problem('unavailable', {
        detail: `nothing was done: births.db could not be written (${code === 'SQLITE_FULL' ? 'the disk is full' : code})`,
        hint: 'mend the state folder and send the same again: what is known is not repeated',
        cause: error,
      });
    }
  }
}
