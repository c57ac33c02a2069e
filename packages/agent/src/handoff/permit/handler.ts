import { setTimeout as sleep } from 'node:timers/promises';
import { type handoffPermitRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type HandoffContext, type PermitTerms, permitState, recordPermit, recordRevocation } from '@govctl/core/handoff';
import type { Unit } from '@govctl/core/journal';
import type { Database } from '../../db/index.ts';
import type { Handlers } from '../../http/index.ts';
import type { Journal } from '../../journal/index.ts';
import { type Births, type PermitRow, termsOf } from '../birth-admission.ts';
import { permitRecords } from './queries.ts';
import type { PermitSeal } from './seal.ts';

export type PermitDependencies = {
  readonly database: Database;
  readonly births: Births;
  readonly journal: Journal;
  readonly seal: PermitSeal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  /** A permit was issued and could not be recorded now. */
  readonly missed: () => void;
};

/** How long an answer waits for its record: births, and so their permits, never wait for governance. */
const patienceMs = 1_000;

/** Permits: issued, listed and revoked where births are, and recorded where evidence is. */
export function permitHandlers(deps: PermitDependencies): Handlers<typeof handoffPermitRoutes> {
  const { database, births, journal, deployment, randomHex } = deps;

  const recorded = async (unit: Unit): Promise<string | null> => {
    const commit = journal.commit(unit).then(
      (result) => (result.ok ? (result.committed.records[0]?.ref ?? null) : null),
      () => null,
    );
    return await Promise.race([commit, sleep(patienceMs, null, { ref: false })]);
  };

  const shown = (permit: PermitRow, now: string, evidence_ref: string | null) => {
    const { kind: permit_kind, seal, ...rest } = permit;
    const sealed = deps.seal.holds(termsOf(permit), seal);
    return { permit_kind, ...rest, state: permitState({ ...permit, sealed }, now), evidence_ref };
  };

  return {
    'birth.permit': async ({ body, actor, now }) => {
      const { permit_kind: kind, reason } = body;
      const terms: PermitTerms = {
        permit_id: body.permit_id ?? `${kind}-${randomHex(8)}`,
        kind,
        object_key: kind === 'single' ? body.object_key : null,
        object_type: kind === 'single' ? body.object_type : null,
        max_births: kind === 'bulk' ? (body.max_births ?? null) : null,
        reason,
        issued_at: now,
        issued_by: actor.actor_id,
        expires_at: body.expires_at ?? null,
      };
      if (terms.expires_at !== null && terms.expires_at <= now) {
        throw new Problem('unprocessable', {
          detail: `the permit would expire at ${terms.expires_at}, which has passed`,
          hint: 'govctl birth permit issue KEY --type TYPE --reason TEXT --expires-in 1h',
        });
      }
      await births.issue(terms);
      const context: HandoffContext = { actor, ...deployment, at: now, salt: randomHex(16) };
      const evidence_ref = await recorded(recordPermit(context, terms));
      if (evidence_ref === null) deps.missed();
      const { kind: permit_kind, ...rest } = terms;
      return { schemaVersion, kind: 'BirthPermit', permit_kind, ...rest, evidence_ref };
    },

    'birth.permit-list': async ({ query, now }) => {
      const rows = await births.permits({ object_key: query.object_key ?? null, limit: query.limit });
      const refs = await recordsOf(database, rows);
      return { schemaVersion, kind: 'BirthPermitList', items: rows.map((row) => shown(row, now, refs.get(row.permit_id) ?? null)) };
    },

    'birth.permit-revoke': async ({ params, body, actor, now }) => {
      const { permit_id } = params;
      const { permit, changed } = await births.revoke({ permit_id, revoked_at: now, revoked_by: actor.actor_id, reason: body.reason });
      if (permit === undefined) throw new Problem('not-found', { detail: `no permit ${permit_id}`, hint: 'govctl birth permit ls' });
      if (!changed && permit.revoked_at === null) {
        throw new Problem('conflict', {
          detail: `permit ${permit_id} was used at ${permit.used_at}: there is nothing left to revoke`,
          hint: 'govctl birth permit ls',
        });
      }
      const context: HandoffContext = { actor, ...deployment, at: now, salt: randomHex(16) };
      const revoked_ref = changed ? await recorded(recordRevocation(context, termsOf(permit), body.reason)) : null;
      const refs = await recordsOf(database, [permit]);
      return {
        schemaVersion,
        kind: 'BirthPermitStatus',
        ...shown(permit, now, refs.get(permit_id) ?? null),
        revoked: changed,
        revoked_ref,
      };
    },
  };
}

/** Governance may be away: then it is not known which permits it knows of. */
async function recordsOf(database: Database, permits: readonly PermitRow[]): Promise<ReadonlyMap<string, string>> {
  const ids = JSON.stringify(permits.map(({ permit_id }) => permit_id));
  const [rows] = await database.read([permitRecords({ permits: ids })]).catch(() => [[]] as const);
  return new Map(rows.map(({ permit_id, evidence_ref }) => [permit_id, evidence_ref]));
}
