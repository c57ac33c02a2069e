import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';

type Active = RouteResponse<RouteList['dataset.active']>;

const pointerColumns = ['layer', 'generation', 'snapshot', 'snapshot hash', 'since', 'run', 'flagged'];

function pointerRow(pointer: Active['layers'][number]): unknown[] {
  const { layer, generation, snapshot_id, snapshot_hash, moved_at, run_id, flagged } = pointer;
  return [layer, generation, snapshot_id, snapshot_hash, moved_at, run_id, flagged];
}

export function datasetListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['dataset.ls']>;
  if (items.length === 0) return 'none\n';
  const rows: unknown[][] = items.flatMap(({ tenant_id, dataset_id, active }): unknown[][] =>
    active.length === 0
      ? [[tenant_id, dataset_id, 'nothing ACTIVE', null, null, null]]
      : active.map(({ layer, snapshot_id, generation, moved_at }) => [tenant_id, dataset_id, layer, snapshot_id, generation, moved_at]),
  );
  return grid(['tenant', 'dataset', 'layer', 'snapshot', 'generation', 'since'], rows, paint);
}

export function datasetActiveTable(document: Document, paint: Paint): string {
  const { dataset_id, tenant_id, at, layers, holds } = document as unknown as Active;
  const title = `${paint.strong(`${dataset_id}`)} (tenant ${tenant_id}) ${at === null ? 'now' : `at ${at}`}\n`;
  const table = layers.length === 0 ? 'nothing is ACTIVE in any layer\n' : grid(pointerColumns, layers.map(pointerRow), paint);
  if (holds.length === 0) return `${title}${table}`;
  const held = holds.map(({ hold_id, layer, reason, placed_at }) => [
    layer,
    hold_id,
    placed_at,
    reason,
    `govctl hold lift ${hold_id} --reason TEXT`,
  ]);
  return `${title}${table}${paint.wait('on hold')}\n${grid(['layer', 'hold', 'since', 'reason', 'fix'], held, paint)}`;
}

export function datasetHistoryTable(document: Document, paint: Paint): string {
  const { dataset_id, tenant_id, moves } = document as unknown as RouteResponse<RouteList['dataset.history']>;
  const title = `${paint.strong(`${dataset_id}`)} (tenant ${tenant_id}), oldest first\n`;
  return `${title}${
    moves.length === 0
      ? 'nothing was ever ACTIVE\n'
      : grid(
          [...pointerColumns, 'decision_ref'],
          moves.map((move) => [...pointerRow(move), move.decision_ref]),
          paint,
        )
  }`;
}
