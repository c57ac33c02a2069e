import { type decisionRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type DecisionBody, factsSchema } from '@govctl/core/decision';
import { type Database, query } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import { mayAccess } from './grant.ts';
import { committedHead } from './log-state.ts';

/** Leaves looked through in one go, and how much one answer holds: a long history is read in many short answers. */
const lookThrough = 20_000;
const maxBytes = 4 * 1024 * 1024;
/** Clocks of hosts may differ; nothing that is so much older than asked for is followed by anything younger. */
const skewMs = 3_600_000;

type Head = { leaf_index: number; bytes: number };
type Row = {
  leaf_index: number;
  ref: string;
  tenant_id: string;
  dataset_id: string | null;
  recorded_at: string;
  payload: Uint8Array | null;
  facts: string | null;
};
type Filter = { floor: number; before: number; since: string; tenant_id: string | null; dataset_id: string | null };

const wanted = `r.leaf_index >= :floor AND r.leaf_index < :before AND r.kind = 'decision' AND r.recorded_at >= :since
   AND (:tenant_id IS NULL OR r.tenant_id = :tenant_id) AND (:dataset_id IS NULL OR r.dataset_id = :dataset_id)`;
const from = `FROM record r LEFT JOIN record_payload p ON p.leaf_index = r.leaf_index LEFT JOIN decision_facts f ON f.leaf_index = r.leaf_index`;
const decisionHeads = query<Filter & { limit: number }, Head>(
  'decision heads',
  `SELECT r.leaf_index, coalesce(length(p.payload), 0) + coalesce(length(f.facts), 0) AS bytes ${from} WHERE ${wanted}
   ORDER BY r.leaf_index DESC LIMIT :limit`,
);
const decisionRows = query<Filter, Row>(
  'decision rows',
  `SELECT r.leaf_index, r.ref, r.tenant_id, r.dataset_id, r.recorded_at, p.payload, f.facts ${from} WHERE ${wanted} ORDER BY r.leaf_index DESC`,
);
const timeOfLeaf = query<{ leaf_index: number }, { recorded_at: string }>(
  'time of leaf',
  'SELECT recorded_at FROM record WHERE leaf_index = :leaf_index',
);

/** Recorded decisions with the facts they were made from, newest first: what a candidate policy is held against. */
export function decisionListHandler(database: Database): Pick<Handlers<typeof decisionRoutes>, 'decision.ls'> {
  return {
    async 'decision.ls'({ query: asked, actor }) {
      const since = asked.since === undefined ? '' : new Date(asked.since).toISOString();
      const filter = { since, tenant_id: asked.tenant_id ?? null, dataset_id: asked.dataset_id ?? null };
      const before = Math.min(placeOf(asked.cursor), (await committedHead(database)).size);
      const { heads, end } = await headsBefore(database, filter, before, asked.limit);
      const last = heads.at(-1);
      if (last === undefined) return { schemaVersion, kind: 'DecisionList' as const, items: [], next_cursor: end > 0 ? String(end) : null };
      const [rows] = await database.read([decisionRows({ ...filter, floor: last.leaf_index, before })]);
      const items = rows
        .filter((row) => mayAccess(actor, 'evidence.read', row))
        .map(({ ref, recorded_at, payload, facts }) => ({
          decision_ref: ref,
          recorded_at,
          decision: payload === null ? null : decisionOf(payload),
          facts: facts === null ? null : factsSchema.parse(JSON.parse(facts)),
        }));
      return { schemaVersion, kind: 'DecisionList' as const, items, next_cursor: last.leaf_index === 0 ? null : String(last.leaf_index) };
    },
  };
}

/** As many as fit into one answer, and one at least; `end` is where the search stopped, 0 when there is nothing further. */
async function headsBefore(
  database: Database,
  filter: Pick<Filter, 'since' | 'tenant_id' | 'dataset_id'>,
  before: number,
  limit: number,
): Promise<{ heads: Head[]; end: number }> {
  const heads: Head[] = [];
  let bytes = 0;
  let end = before;
  while (end > 0) {
    const floor = Math.max(0, end - lookThrough);
    const [page, [oldest]] = await database.read([
      decisionHeads({ ...filter, floor, before: end, limit: limit - heads.length }),
      timeOfLeaf({ leaf_index: floor }),
    ]);
    for (const head of page) {
      if (heads.length > 0 && bytes + head.bytes > maxBytes) return { heads, end: head.leaf_index + 1 };
      heads.push(head);
      bytes += head.bytes;
    }
    end = floor;
    if (heads.length >= limit) return { heads, end };
    if (oldest !== undefined && filter.since !== '' && Date.parse(oldest.recorded_at) < Date.parse(filter.since) - skewMs)
      return { heads, end: 0 };
    if (end > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { heads, end: 0 };
}

/** Our own record, as it was signed. */
function decisionOf(payload: Uint8Array): DecisionBody {
  return (JSON.parse(Buffer.from(payload).toString('utf8')) as { predicate: { decision: DecisionBody } }).predicate.decision;
}

function placeOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^(0|[1-9][0-9]{0,15})$/.test(cursor)) return Number(cursor);
  throw new Problem('invalid-request', { detail: 'the cursor is not one this daemon gave', hint: 'start again without a cursor' });
}
