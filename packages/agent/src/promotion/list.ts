import { Problem, type promotionRoutes, schemaVersion } from '@govctl/core/api';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { type Database, query } from '../db/index.ts';
import { type Handlers, pageBegin, pageOf } from '../http/index.ts';
import { type PointerRow, promotionRows } from './queries.ts';

type Flagged = PointerRow & { flagged: string | null };

const flagged = `CASE WHEN s.quarantined_at IS NOT NULL THEN 'quarantined: ' || s.quarantine_reason
    WHEN s.verification = 'withdrawn' THEN 'its verification was withdrawn' ELSE s.flagged_reason END AS flagged`;

const pointerHistory = query<{ tenant_id: string; dataset_id: string; layer: string | null }, Flagged>(
  'pointer history',
  `SELECT p.layer, p.generation, p.snapshot_id, p.snapshot_hash, p.run_id, p.decision_ref, p.fence, p.moved_at, ${flagged}
   FROM pointer p LEFT JOIN snapshot s ON s.snapshot_id = p.snapshot_id
   WHERE p.tenant_id = :tenant_id AND p.dataset_id = :dataset_id AND (:layer IS NULL OR p.layer = :layer)
   ORDER BY p.moved_at, p.layer, p.generation`,
);
const activeAt = query<{ tenant_id: string; dataset_id: string; layer: string | null; at: string | null }, Flagged>(
  'active pointers at a time',
  `SELECT p.layer, p.generation, p.snapshot_id, p.snapshot_hash, p.run_id, p.decision_ref, p.fence, p.moved_at, ${flagged}
   FROM pointer p LEFT JOIN snapshot s ON s.snapshot_id = p.snapshot_id
   WHERE p.tenant_id = :tenant_id AND p.dataset_id = :dataset_id AND (:layer IS NULL OR p.layer = :layer)
     AND p.generation = (SELECT max(q.generation) FROM pointer q WHERE q.tenant_id = p.tenant_id AND q.dataset_id = p.dataset_id AND q.layer = p.layer
                         AND (:at IS NULL OR q.moved_at <= :at))
   ORDER BY p.layer`,
);
const holdsOfDataset = query<
  { tenant_id: string; dataset_id: string },
  { hold_id: string; layer: string; reason: string; run_id: string | null; placed_at: string }
>(
  'holds of dataset',
  'SELECT hold_id, layer, reason, run_id, placed_at FROM hold WHERE tenant_id = :tenant_id AND dataset_id = :dataset_id AND lifted_at IS NULL ORDER BY placed_at',
);
const datasetRow = query<{ tenant_id: string; dataset_id: string }, { revision: number }>(
  'dataset row',
  'SELECT revision FROM dataset WHERE tenant_id = :tenant_id AND dataset_id = :dataset_id',
);
const datasets = query<
  { tenant_id: string | null },
  { tenant_id: string; dataset_id: string; layer: string | null; snapshot_id: string; generation: number; moved_at: string }
>(
  'datasets',
  `SELECT d.tenant_id, d.dataset_id, p.layer, p.snapshot_id, p.generation, p.moved_at FROM dataset d
   LEFT JOIN pointer p ON p.tenant_id = d.tenant_id AND p.dataset_id = d.dataset_id
     AND p.generation = (SELECT max(q.generation) FROM pointer q WHERE q.tenant_id = p.tenant_id AND q.dataset_id = p.dataset_id AND q.layer = p.layer)
   WHERE (:tenant_id IS NULL OR d.tenant_id = :tenant_id) ORDER BY d.tenant_id, d.dataset_id, p.layer`,
);

/** Lists of promotions and datasets; what an actor has no grant for is not in them. */
export function listHandlers(
  database: Database,
): Pick<Handlers<typeof promotionRoutes>, 'promotion.ls' | 'dataset.ls' | 'dataset.active' | 'dataset.history'> {
  const readable = (actor: Actor, action: string) => (row: { tenant_id: string; dataset_id: string }) => mayAffect(actor, action, row);
  return {
    async 'promotion.ls'({ query: asked, actor }) {
      const [rows] = await database.read([
        promotionRows({
          dataset_id: asked.dataset_id ?? null,
          tenant_id: asked.tenant_id ?? null,
          status: asked.status ?? null,
          open: asked.open === undefined ? null : Number(asked.open === 'true'),
          ...pageBegin(asked.cursor),
          limit: asked.limit + 1,
        }),
      ]);
      const { page, next_cursor } = pageOf(rows, asked.limit, ({ created_at, run_id }) => [created_at, run_id]);
      return {
        schemaVersion,
        kind: 'PromotionList' as const,
        items: page.filter(readable(actor, 'promotion.read')).map((row) => ({
          run_id: row.run_id,
          run_kind: row.kind,
          tenant_id: row.tenant_id,
          dataset_id: row.dataset_id,
          from_layer: row.from_layer,
          to_layer: row.to_layer,
          snapshot_id: row.snapshot_id,
          phase: row.phase,
          status: row.status,
          decision: row.decision,
          decision_ref: row.decision_ref,
          created_at: row.created_at,
          updated_at: row.updated_at,
          next_eligible_at: row.next_eligible_at,
        })),
        next_cursor,
      };
    },

    async 'dataset.ls'({ query: asked, actor }) {
      const [rows] = await database.read([datasets({ tenant_id: asked.tenant_id ?? null })]);
      const items = new Map<
        string,
        {
          tenant_id: string;
          dataset_id: string;
          active: { layer: 'RAW' | 'GDP' | 'KPI'; snapshot_id: string; generation: number; moved_at: string }[];
        }
      >();
      for (const row of rows.filter(readable(actor, 'dataset.read'))) {
        const key = `${row.tenant_id}/${row.dataset_id}`;
        const item = items.get(key) ?? { tenant_id: row.tenant_id, dataset_id: row.dataset_id, active: [] };
        if (row.layer !== null)
          item.active.push({ layer: row.layer as 'GDP', snapshot_id: row.snapshot_id, generation: row.generation, moved_at: row.moved_at });
        items.set(key, item);
      }
      return { schemaVersion, kind: 'DatasetList' as const, items: [...items.values()] };
    },

    async 'dataset.active'({ params, query: asked, actor }) {
      const target = { tenant_id: asked.tenant_id, dataset_id: params.dataset_id };
      const [[row], layers, holds] = await database.read([
        datasetRow(target),
        activeAt({ ...target, layer: asked.layer ?? null, at: asked.at ?? null }),
        holdsOfDataset(target),
      ]);
      if (row === undefined || !mayAffect(actor, 'dataset.read', target)) throw noDataset(target);
      return {
        schemaVersion,
        kind: 'DatasetActive' as const,
        ...target,
        at: asked.at ?? null,
        layers: layers as (Flagged & { layer: 'GDP' })[],
        holds,
      };
    },

    async 'dataset.history'({ params, query: asked, actor }) {
      const target = { tenant_id: asked.tenant_id, dataset_id: params.dataset_id };
      const [[row], moves] = await database.read([datasetRow(target), pointerHistory({ ...target, layer: asked.layer ?? null })]);
      if (row === undefined || !mayAffect(actor, 'dataset.read', target)) throw noDataset(target);
      return { schemaVersion, kind: 'DatasetHistory' as const, ...target, moves: moves as (Flagged & { layer: 'GDP' })[] };
    },
  };
}

function noDataset(target: { tenant_id: string; dataset_id: string }): Problem {
  return new Problem('not-found', { detail: `no dataset ${target.dataset_id} of tenant ${target.tenant_id}`, hint: 'govctl dataset ls' });
}
