import { type decisionRoutes, type evidenceRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { exportedRecord, inclusionProof, parseStatement, type Statement } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { Database } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import { withCosignatures } from '../witness/queries.ts';
import { type CheckpointOf, erased } from './evidence-bytes.ts';
import { mayAccess } from './grant.ts';
import { withNodes } from './log-reader.ts';
import { committedHead, servedHead } from './log-state.ts';
import * as stored from './queries.ts';

export type RecordDependencies = {
  readonly database: Database;
  readonly checkpointOf: CheckpointOf;
  /** How many witnesses must have cosigned what others are shown. */
  readonly witness_quorum: number;
};

/** Reading records: lists, exports, decisions. What an actor has no grant for is not in a list, and is refused by name. */
export function recordHandlers(
  deps: RecordDependencies,
): Pick<Handlers<typeof evidenceRoutes & typeof decisionRoutes>, 'evidence.ls' | 'evidence.export' | 'decision.get'> {
  const { database } = deps;
  return {
    async 'evidence.ls'({ query, actor }) {
      const { tenant_id = null, dataset_id = null, kind = null, run_id, limit } = query;
      const filter = { tenant_id, dataset_id, kind };
      const before = Math.min(placeOf(query.cursor), (await committedHead(database)).size);
      const [rows] =
        run_id === undefined
          ? [await newestFirst(database, filter, before, limit + 1)]
          : await database.read([stored.recordPageOfRun({ ...filter, run_id, floor: 0, before, limit: limit + 1 })]);
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        schemaVersion,
        kind: 'EvidenceList' as const,
        items: page
          .filter((row) => mayAccess(actor, 'evidence.read', row))
          .map((row) => ({
            ref: row.ref,
            leaf_index: row.leaf_index,
            record_kind: row.kind,
            run_id: row.run_id,
            tenant_id: row.tenant_id,
            dataset_id: row.dataset_id,
            recorded_at: row.recorded_at,
            erased: row.erased === 1,
          })),
        next_cursor: rows.length > limit && last !== undefined ? String(last.leaf_index) : null,
      };
    },

    async 'evidence.export'({ params: { run_id }, actor }) {
      const [records] = await database.read([stored.recordsOfRun({ run_id })]);
      if (records.length === 0)
        throw new Problem('not-found', { detail: `the log has no record of run ${run_id}`, hint: 'govctl promotion ls' });
      for (const record of records) requireAccess(actor, 'evidence.read', record);
      // Read after the records: the head covers all of them.
      const head = await servedHead(database, deps.witness_quorum, Math.max(...records.map(({ leaf_index }) => leaf_index)));
      const digests = records
        .map(statementOf)
        .flatMap((statement) => (statement.kind === 'decision' ? statement.predicate.policies.map(({ digest }) => digest) : []));
      const [packs] = await database.read([stored.packsByDigest({ digests: JSON.stringify([...new Set(digests)]) })]);
      const proofs = await withNodes(database, (readNode) =>
        records.map(({ leaf_index }) => inclusionProof(leaf_index, head.size, readNode)),
      );
      return {
        schemaVersion,
        kind: 'EvidenceExport' as const,
        run_id,
        checkpoint: await withCosignatures(database, deps.checkpointOf(head), head.size, 'newest'),
        records: records.map((record, at) => exportedRecord({ ...record, payload: payloadOf(record) }, proofs[at] ?? [], record.facts)),
        policies: packs,
      };
    },

    async 'decision.get'({ params: { id }, actor }) {
      const byRef = id.startsWith('sha256:');
      const [[record]] = byRef
        ? await database.read([stored.recordWithCover({ ref: id })])
        : await database.read([stored.newestDecisionOfRun({ run_id: id })]);
      if (record === undefined || record.kind !== 'decision') {
        const what = record === undefined ? `no decision ${id}` : `${id} is a ${record.kind} record, not a decision`;
        throw new Problem('not-found', { detail: what, hint: 'govctl evidence ls --kind decision' });
      }
      requireAccess(actor, 'decision.read', record);
      const statement = statementOf(record);
      if (statement.kind !== 'decision') throw new Error(`the record ${record.ref} is of another kind than its row`);
      const { decision, decision_digest } = statement.predicate;
      return { schemaVersion, kind: 'Decision' as const, ...decision, decision_digest, dry_run: false, decision_ref: record.ref };
    },
  };
}

/** Leaves looked through in one go: what is rare in a long log is found in many short reads, between which others have their turn. */
const lookThrough = 20_000;

async function newestFirst(
  database: Database,
  filter: { readonly tenant_id: string | null; readonly dataset_id: string | null; readonly kind: string | null },
  before: number,
  limit: number,
) {
  const page: stored.ListedRow[] = [];
  let end = before;
  while (end > 0 && page.length < limit) {
    const floor = Math.max(0, end - lookThrough);
    const [rows] = await database.read([stored.recordPage({ ...filter, floor, before: end, limit: limit - page.length })]);
    page.push(...rows);
    end = floor;
    if (end > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return page;
}

function payloadOf({ payload, ref }: stored.RecordRow): Uint8Array {
  if (payload === null) throw erased(ref);
  return payload;
}

function statementOf(record: stored.RecordRow): Statement {
  const parsed = parseStatement(JSON.parse(Buffer.from(payloadOf(record)).toString('utf8')));
  if (parsed.ok) return parsed.statement;
  throw new Problem('evidence-unavailable', {
    detail: `the record ${record.ref} is damaged: ${parsed.reason}`,
    hint: 'govctl log verify',
  });
}

function requireAccess(actor: Actor, action: string, record: stored.RecordRow): void {
  const { tenant_id } = record;
  const dataset_id = record.dataset_id ?? '*';
  if (mayAffect(actor, action, { tenant_id, dataset_id })) return;
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} has no grant for ${action} on ${tenant_id}/${dataset_id}`,
    hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action ${action} --tenant ${tenant_id}`,
  });
}

function placeOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^(0|[1-9][0-9]{0,15})$/.test(cursor)) return Number(cursor);
  throw new Problem('invalid-request', { detail: 'the cursor is not one this daemon gave', hint: 'start again without --cursor' });
}
