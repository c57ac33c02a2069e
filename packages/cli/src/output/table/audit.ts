import type { RouteList, RouteResponse } from '@govctl/core/api';
import { counted } from '../counted.ts';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { ageText } from './age.ts';
import { grid } from './grid.ts';
import { pairs, plain } from './text.ts';

export function holdListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['hold.ls']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map((item) => [
    item.hold_id,
    item.tenant_id,
    item.dataset_id,
    item.layer,
    item.placed_at,
    item.placed_by,
    item.reason,
    item.lifted_at === null
      ? `govctl hold lift ${item.hold_id} --reason TEXT`
      : `lifted ${item.lifted_at} by ${item.lifted_by}: ${item.lift_reason}`,
  ]);
  return grid(['hold', 'tenant', 'dataset', 'layer', 'since', 'by', 'reason', 'fix'], rows, paint);
}

export function pendingAuditListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['audit.overdue']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map((item) => [
    item.audit_id,
    item.overdue ? 'overdue' : item.closed_at === null ? 'open' : 'closed',
    item.dataset_id,
    item.layer,
    item.owner,
    item.due_at,
    item.run_id,
    item.reason,
    item.closed_at === null
      ? `govctl audit close ${item.audit_id} --reason TEXT`
      : `closed ${item.closed_at} by ${item.closed_by}: ${item.close_reason}`,
  ]);
  return grid(['audit', 'state', 'dataset', 'layer', 'owner', 'due', 'run', 'reason', 'fix'], rows, paint);
}

/** What was compared is shown too: a reconciliation that looked at nothing is not clean. */
export function reconciliationTable(document: Document, paint: Paint): string {
  const { findings, checked, clean, as_of, runs } = document as unknown as RouteResponse<RouteList['reconcile.run']>;
  const open = findings.filter(({ fixed }) => fixed === undefined).length;
  const mended = findings.length - open;
  const title = clean ? paint.good('clean') : paint.bad(counted(open, 'finding'));
  const blocks = findings.map((finding) => {
    const { severity, subject, expected, observed, age_s, fix, fixed } = finding;
    const head = `${severity === 'high' ? paint.bad(severity) : paint.wait(severity)}  ${finding.class}/${finding.check}  ${paint.strong(plain(subject))}\n`;
    const rows: (readonly [string, unknown])[] = [
      ['expected', expected],
      ['observed', observed],
      ...(age_s === null ? [] : [['age', ageText(age_s)] as const]),
      ...(fixed === undefined ? [] : [['mended', fixed] as const]),
      ...(fix === null || fixed !== undefined ? [] : [['fix', fix] as const]),
    ];
    return head + pairs(rows, paint, '  ');
  });
  const audited = (runs ?? []).map((run) => contractText(run, paint));
  return [
    `${title}${mended === 0 ? '' : ` (${mended} mended)`}, as of ${as_of}\n`,
    ...blocks,
    ...audited,
    paint.strong('compared'),
    '\n',
    pairs(Object.entries(checked), paint, '  '),
  ].join('');
}

type RunAudit = NonNullable<RouteResponse<RouteList['reconcile.run']>['runs']>[number];

/** One run, every expectation: what came of it, when, and the digest of what was really there then. */
function contractText({ run_id, status, is_clean, expectations = [], acks = [], undone }: RunAudit, paint: Paint): string {
  const rows = expectations.flatMap((owed) => {
    const of = acks.filter((ack) => nameOf(ack) === nameOf(owed));
    return of.length === 0 ? [[nameOf(owed), owed.status.toLowerCase(), null, null]] : of.map((ack) => acked(ack, 'acknowledged'));
  });
  const drift = acks.filter((ack) => !expectations.some((owed) => nameOf(owed) === nameOf(ack))).map((ack) => acked(ack, 'not expected'));
  const taken = undone.map((ack) => [nameOf(ack), 'rolled back', ack.at, ack.rollback_reason]);
  const state: (readonly [string, unknown])[] = [
    ['run', run_id],
    ['status', `${status}, ${is_clean ? 'clean' : 'not clean'}`],
  ];
  return pairs(state, paint) + grid(['owes', 'state', 'at', 'observed'], [...rows, ...drift, ...taken], paint);
}

const nameOf = ({ domain, action }: { readonly domain: string; readonly action: string }) => `${domain}/${action}`;

function acked(ack: NonNullable<RunAudit['acks']>[number], word: string) {
  return [nameOf(ack), ack.error === null ? word : 'failed', ack.at, ack.error ?? ack.observed];
}
