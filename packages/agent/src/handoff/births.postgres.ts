import { isProblem, Problem, type ProblemReason } from '@govctl/core/api';
import type { PermitTerms } from '@govctl/core/handoff';
import {
  CommitUnknown,
  connectPostgres,
  isConnectionLost,
  type PostgresRun,
  PostgresSession,
  type PostgresSettings,
  unreachable,
} from '../db/index.ts';
import {
  type AdmittedLine,
  type BirthReceipt,
  type Births,
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

const lines = `jsonb_to_recordset((:lines)::jsonb) AS l(place bigint, object_key text, object_type text, change text, born_at text, permit_id text, payload text)`;
const known =
  'EXISTS (SELECT 1 FROM registry_changelog c WHERE c.object_key = l.object_key AND c.born_at = l.born_at AND c.change = l.change)';

const columns = `permit_id, kind, object_key, object_type, max_births, birth_count, reason, issued_at, issued_by, expires_at, used_at, seal, revoked_at,
    revoked_by, revoke_reason`;

const sql = {
  issue: `INSERT INTO birth_permit (permit_id, kind, object_key, object_type, max_births, reason, issued_at, issued_by, expires_at, seal)
    VALUES (:permit_id, :kind, :object_key, :object_type, :max_births, :reason, :issued_at, :issued_by, :expires_at, :seal) ON CONFLICT DO NOTHING`,
  known: `SELECT b.object_key, b.born_at, b.object_type FROM ${lines} JOIN birth_registry b ON b.object_key = l.object_key AND b.born_at = l.born_at
    WHERE l.change = 'BORN'`,
  // In the order of their ids, so that two requests under the same permits wait for each other and never in a circle.
  permits: `SELECT ${columns} FROM birth_permit WHERE permit_id IN (SELECT jsonb_array_elements_text((:permits)::jsonb)) ORDER BY permit_id FOR UPDATE`,
  // Not the permits' own word for it: whoever can reset that must not be able to use them again.
  born: `SELECT DISTINCT b.permit_id FROM ${lines} JOIN birth_registry b ON b.object_key = l.object_key AND b.permit_id = l.permit_id WHERE l.change = 'BORN'`,
  list: `SELECT ${columns} FROM birth_permit WHERE object_key = :object_key OR :object_key IS NULL ORDER BY issued_at DESC, permit_id LIMIT :limit`,
  revoke: `UPDATE birth_permit SET revoked_at = :revoked_at, revoked_by = :revoked_by, revoke_reason = :reason
    WHERE permit_id = :permit_id AND revoked_at IS NULL AND (kind = 'bulk' OR used_at IS NULL)`,
  permit: `SELECT ${columns} FROM birth_permit WHERE permit_id = :permit_id`,
  register: `INSERT INTO birth_registry (object_key, object_type, born_at, permit_id, payload)
    SELECT object_key, object_type, born_at, permit_id, payload FROM ${lines} ORDER BY place ON CONFLICT DO NOTHING`,
  log: `WITH logged AS (
      INSERT INTO registry_changelog (object_key, change, born_at, payload)
      SELECT object_key, change, born_at, payload FROM ${lines} WHERE NOT ${known} ORDER BY place ON CONFLICT DO NOTHING RETURNING change)
    SELECT change, count(*) AS rows FROM logged GROUP BY change`,
  use: `UPDATE birth_permit p SET birth_count = p.birth_count + u.births, used_at = :now
    FROM jsonb_to_recordset((:used)::jsonb) AS u(permit_id text, births bigint) WHERE p.permit_id = u.permit_id`,
} as const;

const prune = pruneSql('SELECT value::bigint FROM json_array_elements_text((:kept)::json)');

/** Somebody else registered one of these births between reading and writing: judged again, it is known. */
class Overtaken extends Error {}

/**
 * The writer of embedded births on PostgreSQL: a schema and a connection of its own, and it names no table of governance. A request
 * is one transaction of a few statements, however many lines it has.
 */
export class PostgresBirths implements Births, ChangelogPruner {
  readonly #session: PostgresSession;
  readonly #seal: PermitSeal;

  constructor(session: PostgresSession, seal: PermitSeal) {
    this.#session = session;
    this.#seal = seal;
  }

  async issue(permit: PermitTerms): Promise<void> {
    const seal = this.#seal.seal(permit);
    const { count } = await this.#write(() => this.#session.run(sql.issue, { ...permit, seal }));
    if (count !== 1) throw permitTaken(permit);
  }

  async permits(filter: { readonly object_key: string | null; readonly limit: number }): Promise<PermitRow[]> {
    return [...(await this.#write(() => this.#session.run<PermitRow>(sql.list, filter))).rows];
  }

  async revoke({ permit_id, ...revocation }: Revocation): Promise<RevokedPermit> {
    return await this.#write(() =>
      this.#session.transaction(async (run) => {
        const { count } = await run(sql.revoke, { permit_id, ...revocation });
        return { permit: (await run<PermitRow>(sql.permit, { permit_id })).rows[0], changed: count === 1 };
      }),
    );
  }

  async add(added: readonly AdmittedLine[], now: string): Promise<BirthReceipt> {
    return await this.#write(() => this.#session.transaction((run) => this.#add(run, added, now)));
  }

  async survey({ bound, before, keep, kept }: PruneSelection): Promise<PruneSurvey> {
    return await this.#write(() =>
      this.#session.transaction(async (run) => {
        const [bounds = { settled: 0, old: null }] = (
          await run<{ settled: number; old: number | null }>(prune.bounds, { bound, keep: keep ?? 0 })
        ).rows;
        const upto = pruneUpto(bounds, keep);
        const [found] = (await run<Omit<PruneSurvey, 'upto'>>(prune.survey, { upto, before, kept: JSON.stringify(kept) })).rows;
        return { upto, ...(found ?? { rows: 0, first_id: null, oldest: null, newest: null }) };
      }),
    );
  }

  async slice({ after, upto, before, kept }: PruneSlice): Promise<SliceDone> {
    return await this.#write(() =>
      this.#session.transaction(async (run) => {
        const reach = (await run<{ reach: number | null }>(prune.reach, { after, upto })).rows[0]?.reach ?? null;
        if (reach === null) return { walked_upto: upto, removed: 0 };
        const { count } = await run(prune.remove, { after, reach, before, kept: JSON.stringify(kept) });
        return { walked_upto: reach, removed: count };
      }),
    );
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #add(run: PostgresRun, added: readonly AdmittedLine[], now: string): Promise<BirthReceipt> {
    const { births, changes, already, used, reasons } = await judge(run, added, now, this.#seal);
    if (reasons.length > 0) throw refusedLines(reasons, added.length);
    if (births.length > 0) {
      const { count } = await run(sql.register, { lines: JSON.stringify(births) });
      if (count !== births.length) throw new Overtaken();
      await run(sql.use, { used: JSON.stringify([...used].map(([permit_id, count_]) => ({ permit_id, births: count_ }))), now });
    }
    const { rows } = await run<{ change: string; rows: number }>(sql.log, { lines: JSON.stringify([...births, ...changes.values()]) });
    const logged = (change: string) => rows.find((row) => row.change === change)?.rows ?? 0;
    const [changed, retired] = [logged('CHANGED'), logged('RETIRED')];
    const repeated = added.length - births.length - already - changed - retired;
    return { born: births.length, changed, retired, already: already + repeated };
  }

  /** Everything a request does can be done twice, so a connection that broke, or a birth that came in between, is met by doing it again. */
  async #write<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        const again = error instanceof Overtaken || error instanceof CommitUnknown || isConnectionLost(error);
        if (again && attempt < 3) continue;
        if (isProblem(error)) throw error;
        throw new Problem('unavailable', {
          detail: `births could not be registered: ${(unreachable(error) as Error).message}`,
          hint: 'send the same lines again: what is known is not repeated',
          cause: error,
        });
      }
    }
  }
}

/** `place` in the request: ids follow the order in which lines came. */
type StoredLine = { readonly place: number } & Record<
  'object_key' | 'object_type' | 'change' | 'born_at' | 'permit_id' | 'payload',
  string | null
>;
type Judged = {
  readonly births: StoredLine[];
  readonly changes: Map<string, StoredLine>;
  readonly used: Map<string, number>;
  readonly reasons: ProblemReason[];
  already: number;
};

/** What each line is: a new birth, a change, known already, or refused. The permits it reads stay locked until the commit. */
async function judge(run: PostgresRun, added: readonly AdmittedLine[], now: string, seal: PermitSeal): Promise<Judged> {
  const born = added.filter((line) => line.change === 'BORN');
  const permitIds = [...new Set(born.flatMap((line) => (line.permit_id === undefined ? [] : [line.permit_id])))];
  // Permits first: what is known is read after whoever held them has committed.
  const permitRows = permitIds.length === 0 ? [] : (await run<PermitRow>(sql.permits, { permits: JSON.stringify(permitIds) })).rows;
  const knownRows = born.length === 0 ? [] : (await run<KnownRow>(sql.known, { lines: JSON.stringify(born.map(stored)) })).rows;
  const single = permitRows.some(({ kind }) => kind === 'single');
  const bornRows = single ? (await run<{ permit_id: string }>(sql.born, { lines: JSON.stringify(born.map(stored)) })).rows : [];
  const bornUnder = new Set(bornRows.map(({ permit_id }) => permit_id));
  const found = (row: PermitRow) => ({ row, sealed: seal.holds(termsOf(row), row.seal), born: bornUnder.has(row.permit_id) });
  const permits = new Map(permitRows.map((row) => [row.permit_id, found(row)]));
  const known_ = new Map(knownRows.map((row) => [keyOf(row), row]));
  const judged: Judged = { births: [], changes: new Map(), used: new Map(), reasons: [], already: 0 };
  for (const [index, line] of added.entries()) {
    if (line.change !== 'BORN') {
      // One of them: a line that stands twice in the request is known the second time.
      const change = `${line.change} ${keyOf(line)}`;
      if (!judged.changes.has(change)) judged.changes.set(change, stored(line, index));
      continue;
    }
    const there = known_.get(keyOf(line));
    if (there !== undefined) {
      const refusal = knownRefusal(there, line);
      if (refusal === null) judged.already += 1;
      else judged.reasons.push(refusedLine(index, line, refusal));
      continue;
    }
    const { permit_id } = line;
    const before = permit_id === undefined ? 0 : (judged.used.get(permit_id) ?? 0);
    const refusal = permit_id === undefined ? 'no permit' : permitRefusal(permits.get(permit_id), line, before, now);
    if (permit_id === undefined || refusal !== null) {
      judged.reasons.push(refusedLine(index, line, permit_id === undefined ? 'no permit' : `permit ${permit_id} ${refusal}`));
      continue;
    }
    judged.used.set(permit_id, before + 1);
    judged.births.push(stored(line, index));
    known_.set(keyOf(line), line);
  }
  return judged;
}

type KnownRow = { readonly object_key: string; readonly born_at: string; readonly object_type: string };

function keyOf({ object_key, born_at }: { readonly object_key: string; readonly born_at: string }): string {
  // A key has no white space.
  return `${object_key} ${born_at}`;
}

function stored(line: AdmittedLine, place: number): StoredLine {
  const { object_key, object_type, change, born_at, permit_id = null } = line;
  return { place, object_key, object_type, change, born_at, permit_id, payload: payloadText(line) };
}

/** Opens the writer's own connection to the schema of embedded births, as the daemon's role. */
export function openPostgresBirths(settings: PostgresSettings, schema: string, seal: PermitSeal): PostgresBirths {
  const own = { ...settings, schema };
  return new PostgresBirths(new PostgresSession(() => connectPostgres(own, { purpose: 'births', mode: 'write' })), seal);
}

/** Births of a deployment whose tables belong to other software: governance only ever reads them. */
export const attachedBirths: Births = {
  issue: () => refuseAttached(),
  permits: () => refuseAttached(),
  revoke: () => refuseAttached(),
  add: () => refuseAttached(),
};

function refuseAttached(): never {
  throw new Problem('unprocessable', {
    detail: 'births of this deployment are registered by the software that owns the birth tables; govd only reads them',
    hint: 'register the birth there: the tail sees it at once',
  });
}
