import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { CheckStatus } from '@govctl/core/quality';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';
import { pairs } from './text.ts';

type Stored = Pick<
  RouteResponse<RouteList['quality.ls']>['items'][number],
  'counts' | 'checks' | 'source_kind' | 'source_digest' | 'imported_at'
>;

const badFirst: readonly CheckStatus[] = ['error', 'failed', 'not_evaluated', 'skipped', 'warned', 'passed'];

function countText(counts: Stored['counts']): string {
  return badFirst
    .map((status) => [status, counts[status] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status.replace('_', ' ')}`)
    .join(', ');
}

function checkTable({ checks }: Stored, paint: Paint): string {
  const rows = checks.toSorted((a, b) => badFirst.indexOf(a.status) - badFirst.indexOf(b.status));
  return grid(
    ['check', 'status', 'ran at', 'message'],
    rows.map(({ name, status, ran_at, message }) => [name, status, ran_at ?? 'it does not say', message]),
    paint,
  );
}

export function qualityImportTable(document: Document, paint: Paint): string {
  const result = document as unknown as RouteResponse<RouteList['quality.import']>;
  return [
    result.imported ? 'imported\n' : 'imported already: nothing was written\n',
    pairs(
      [
        ['snapshot', result.snapshot_id],
        ['dataset', result.dataset_id],
        ['checks', countText(result.counts)],
        ...(result.ignored === 0 ? [] : ([['not checks', `${result.ignored} entries of the file`]] as const)),
        ['source', `${result.source_kind}, ${result.source_digest}`],
        ['evidence', result.evidence_ref],
      ],
      paint,
    ),
    checkTable(result, paint),
  ].join('');
}

export function qualityImportListTable(document: Document, paint: Paint): string {
  const { items, snapshot_id } = document as unknown as RouteResponse<RouteList['quality.ls']>;
  if (items.length === 0) return `nothing was imported for ${snapshot_id}\n`;
  return items
    .map(
      (item) =>
        `${paint.strong(`${item.imported_at}  ${item.source_kind}`)}  ${countText(item.counts)}  ${item.source_digest}\n${checkTable(item, paint)}`,
    )
    .join('\n');
}
