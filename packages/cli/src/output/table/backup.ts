import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { pairs, plain } from './text.ts';

type Sized = { readonly size: number };
type Backup = Document & {
  readonly log: { readonly origin: string; readonly size: number; readonly root: string };
  readonly files: readonly Sized[];
  readonly objects: { readonly count: number; readonly bytes: number };
  readonly lacks: { readonly count: number; readonly items: readonly string[] };
  readonly schema: { readonly govd: number; readonly births: number };
  readonly second_place?: { readonly path: string; readonly holds: string };
  readonly next?: readonly { readonly command: string; readonly why: string }[];
};

/** What is in a backup, where it is, and what is to be done next. */
export function backupTable(document: Document, paint: Paint): string {
  const it = document as Backup;
  const databases = it.files.reduce((sum, { size }) => sum + size, 0);
  const lines: [string, unknown][] = [
    ...(['file', 'state_dir', 'bytes', 'sha256', 'verified', 'dry_run'] as const).flatMap((name): [string, unknown][] =>
      it[name] === undefined ? [] : [[name, it[name]]],
    ),
    ['backup_id', it.backup_id],
    ['created_at', it.created_at],
    ['environment', it.environment],
    ['log', `${it.log.origin}, ${it.log.size} leaves, root ${it.log.root}`],
    ['content', `${it.objects.count} objects of ${it.objects.bytes} bytes, databases and files of ${databases} bytes`],
    ['schema', `govd ${it.schema.govd}, births ${it.schema.births}`],
    ['private_keys', it.private_keys],
    ['trusted_by', it.trusted_by === 'pinned' ? 'pinned trust root' : 'only the trust root inside it'],
    ...(it.lacks.count === 0
      ? []
      : ([['lacks', `${it.lacks.count} objects: ${it.lacks.items.slice(0, 3).join(', ')}`]] as [string, unknown][])),
    ...(it.second_place === undefined
      ? []
      : ([['second_place', `${it.second_place.path} holds ${it.second_place.holds}`]] as [string, unknown][])),
  ];
  const next = it.next ?? [];
  return `${pairs(lines, paint, '')}${next.length === 0 ? '' : `${paint.strong('next')}\n`}${next
    .map(({ command, why }) => `  ${plain(command)}\n    ${plain(why)}\n`)
    .join('')}`;
}
