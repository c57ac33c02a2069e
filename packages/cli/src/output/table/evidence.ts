import type { LogVerificationDocument, RouteList, RouteResponse } from '@govctl/core/api';
import type { VerificationDocument } from '../../commands/evidence/verification.ts';
import { type Paint, paintWord } from '../paint.ts';
import type { Document } from '../result.ts';
import { grid } from './grid.ts';
import { cellText, pairs, plain } from './text.ts';

/** A line a check, then the verdict in a sentence. */
export function evidenceVerificationTable(document: Document, paint: Paint): string {
  const { verified, failed_at, checks, record, records, archive } = document as unknown as VerificationDocument;
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const lines = checks.map(
    ({ name, ok, detail }) => `${paintWord(paint, ok ? 'ok' : 'fail').padEnd(4)}  ${name.padEnd(width)}  ${plain(detail)}`,
  );
  const count = archive?.records ?? records?.length ?? 0;
  const range = archive === undefined ? '' : `, ${archive.since} to ${archive.until ?? 'the end of the log then'}`;
  const what = record === undefined ? `${count} records${range}` : `${record.record_kind} ${record.ref}`;
  const written = document.file === undefined ? '' : `, written to ${cellText(document.file)}`;
  const verdict = verified ? paint.good(`verified: ${what}${written}`) : paint.bad(`does not verify: ${failed_at}`);
  return `${lines.join('\n')}\n${verdict}\n`;
}

export function logVerificationTable(document: Document, paint: Paint): string {
  const { verified, tree_size, root, checked, failed, failures, seconds, leaves_per_second, structure, signatures } =
    document as unknown as LogVerificationDocument;
  const text = pairs(
    [
      ['leaves', `${checked.leaves} of ${tree_size}${checked.erased === 0 ? '' : `, ${checked.erased} with their payload erased`}`],
      ['heads', checked.heads],
      ['nodes', checked.nodes],
      ['promotions', `${checked.promotions}, pointer moves ${checked.pointers}, runs ${checked.runs}`],
      ['root', root],
      ...(structure === undefined ? [] : [['structure', `${structure.seconds} s, ${structure.leaves_per_second} leaves/s`] as const]),
      ...(signatures === undefined
        ? []
        : [['signatures', `${signatures.leaves}, ${signatures.meanwhile} of them meanwhile; ${signatures.seconds} s more`] as const]),
      ['speed', `${leaves_per_second} leaves/s, ${seconds} s`],
    ],
    paint,
  );
  if (verified) return `${text}${paint.good('verified')}\n`;
  const rows = failures.map(({ check, subject, detail }) => [check, subject, detail]);
  const more = failed > failures.length ? `and ${failed - failures.length} more\n` : '';
  return `${text}${grid(['check', 'subject', 'finding'], rows, paint)}${more}${paint.bad(`does not verify: ${failed} findings`)}\n`;
}

export function checkpointTable(document: Document, paint: Paint): string {
  const { origin, tree_size, root } = document;
  const witnesses = (document.witnesses ?? []) as readonly { readonly name: string; readonly cosigned_at: string }[];
  return `${pairs(
    [
      ['log', origin],
      ['leaves', tree_size],
      ['root', root],
      ...witnesses.map(({ name, cosigned_at }) => ['cosigned', `${name} at ${cosigned_at}`] as const),
    ],
    paint,
  )}${paint.good('signed by a pinned key')} (-o note prints the note)\n`;
}

export function logProofTable(document: Document, paint: Paint): string {
  const { ref, leaf_index, tree_size, hashes } = document as unknown as RouteResponse<RouteList['log.proof']>;
  return `${pairs(
    [
      ['record', ref],
      ['leaf', `${leaf_index} of ${tree_size}`],
      ['hashes', hashes.length],
    ],
    paint,
  )}${paint.good('proved')} (-o proof prints the proof)\n`;
}

export function logConsistencyTable(document: Document, paint: Paint): string {
  const { from_size, tree_size, from_root, root } = document;
  return `${pairs(
    [
      ['from', `${cellText(from_size)} leaves, ${cellText(from_root)}`],
      ['to', `${cellText(tree_size)} leaves, ${cellText(root)}`],
    ],
    paint,
  )}${paint.good('proved: it only grew')}\n`;
}

export function evidenceListTable(document: Document, paint: Paint): string {
  const { items, next_cursor } = document as unknown as RouteResponse<RouteList['evidence.ls']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map(({ leaf_index, record_kind, run_id, dataset_id, recorded_at, ref, erased }) => [
    leaf_index,
    record_kind,
    dataset_id,
    run_id,
    recorded_at,
    erased ? `${ref} (erased)` : ref,
  ]);
  const more = next_cursor === null ? '' : `more: --cursor ${next_cursor}\n`;
  return `${grid(['leaf', 'kind', 'dataset', 'run', 'recorded at', 'ref'], rows, paint)}${more}`;
}

export function capabilityListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['evidence.capabilities']>;
  if (items.length === 0) return 'none\n';
  const rows = items.map(({ jti, state, resumed, actor_id, dataset_id, expires_at, ref }) => [
    jti,
    resumed > 0 ? `${state}, continued ${resumed}` : state,
    actor_id,
    dataset_id,
    expires_at,
    ref,
  ]);
  return grid(['jti', 'state', 'actor', 'dataset', 'until', 'ref'], rows, paint);
}
