import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type evidenceRoutes, Problem } from '@govctl/core/api';
import {
  type ArchiveHead,
  type ArchiveManifest,
  archiveEnd,
  archiveHead,
  archiveLine,
  archivePolicy,
  archiveRecord,
  type Digest,
  inclusionProof,
  parseStatement,
  publicKeyPem,
  type RecordKind,
  type Signer,
  type TrustRoot,
} from '@govctl/core/evidence';
import { mayAffect } from '@govctl/core/identity';
import type { Database } from '../db/index.ts';
import { type Handlers, Reply } from '../http/index.ts';
import { withCosignatures } from '../witness/queries.ts';
import type { CheckpointOf } from './evidence-bytes.ts';
import { withNodes } from './log-reader.ts';
import { servedHead } from './log-state.ts';
import * as stored from './queries.ts';

export type ArchiveDependencies = {
  readonly database: Database;
  readonly checkpointOf: CheckpointOf;
  /** How many witnesses must have cosigned what others are shown. */
  readonly witness_quorum: number;
  readonly trust: { readonly root: TrustRoot };
  /** Signs the manifest of an archive: the decision key. */
  readonly signer: Signer;
};

/** Leaves looked through in one go, and records of one page: between two of them others have their turn. */
const lookThrough = 20_000;
const pageSize = 64;

type Filter = { readonly tenant_id: string | null; readonly dataset_id: string | null };
type Edges = { readonly first: number; readonly last: number };

/**
 * The evidence of a time in one stream, for auditors. Times pick the first and the last record; everything that the log has between
 * them comes along, so that no gap needs to be believed. Nothing of it is held longer than a page.
 */
export function archiveHandler(deps: ArchiveDependencies): Pick<Handlers<typeof evidenceRoutes>, 'evidence.archive'> {
  const { database } = deps;
  return {
    async 'evidence.archive'({ query: { since, until, tenant_id, dataset_id }, actor, signal }) {
      if (until !== undefined && Date.parse(until) <= Date.parse(since))
        throw new Problem('invalid-request', {
          detail: `until ${until} is not after since ${since}`,
          hint: 'govctl evidence export --help',
        });
      const target = { tenant_id: tenant_id ?? '*', dataset_id: dataset_id ?? '*' };
      // Nothing may be left out unseen: who may not read all of it gets none of it.
      if (!mayAffect(actor, 'evidence.read', target))
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} has no grant for evidence.read on all of ${target.tenant_id}/${target.dataset_id}`,
          hint: 'ask for less: --tenant T --dataset D; or an operator grants it: govctl apikey add --action evidence.read',
        });
      const filter = { tenant_id: tenant_id ?? null, dataset_id: dataset_id ?? null };
      const tree = await servedHead(database, deps.witness_quorum);
      const time = { since: normal(since), until: until === undefined ? null : normal(until) };
      const edges = await edgesOf(database, filter, time, tree.size, signal);
      if (edges === undefined)
        throw new Problem('not-found', {
          detail: `the log has no record ${dataset_id === undefined ? '' : `of dataset ${dataset_id} `}from ${since} to ${until ?? 'now'}`,
          hint: 'govctl evidence ls',
        });
      const head = archiveHead({
        ...time,
        ...filter,
        origin: deps.trust.root.origin,
        tree_size: tree.size,
        checkpoint: await withCosignatures(database, deps.checkpointOf(tree), tree.size, 'newest'),
        keys: deps.trust.root.keys.map((key) => ({
          purpose: key.purpose,
          role: key.role,
          public_key: publicKeyPem(key),
          from_index: key.from_index,
          to_index: key.to_index,
        })),
      });
      const body = Readable.from(lines(deps, head, edges, signal), { objectMode: false, highWaterMark: 64 * 1024 });
      return new Reply(200, body, {
        'content-type': 'application/x-ndjson; charset=utf-8',
        'cache-control': 'private, no-store',
        'govctl-archive-leaves': `${edges.first}-${edges.last}`,
      });
    },
  };
}

/** As the log writes a time, so that texts compare like times. */
function normal(time: string): string {
  return new Date(time).toISOString();
}

async function edgesOf(
  database: Database,
  filter: Filter,
  time: { readonly since: string; readonly until: string | null },
  size: number,
  signal: AbortSignal,
): Promise<Edges | undefined> {
  let edges: Edges | undefined;
  for (let floor = 0; floor < size; floor += lookThrough) {
    const [[row]] = await database.read([stored.edgesOfTime({ ...filter, ...time, floor, end: Math.min(size, floor + lookThrough) })]);
    if (row !== undefined && row.first !== null && row.last !== null) edges = { first: edges?.first ?? row.first, last: row.last };
    await turn(signal);
  }
  return edges;
}

async function* lines(deps: ArchiveDependencies, head: ArchiveHead, edges: Edges, signal: AbortSignal): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const told = new Set<string>();
  const by_kind: ArchiveManifest['by_kind'] = {};
  const seen = { records: 0, erased: 0, first_leaf: edges.first, last_leaf: edges.last };
  const written = (text: string) => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    return bytes;
  };
  yield written(archiveLine(head));
  for await (const rows of pages(deps.database, head, edges, signal)) {
    const wanted = [...new Set(rows.flatMap(policiesOf))].filter((digest) => !told.has(digest));
    const [packs] = wanted.length === 0 ? [[]] : await deps.database.read([stored.packsByDigest({ digests: JSON.stringify(wanted) })]);
    const proofs = await withNodes(deps.database, (readNode) =>
      rows.map(({ leaf_index }) => inclusionProof(leaf_index, head.tree_size, readNode)),
    );
    for (const pack of packs) {
      told.add(pack.digest);
      yield written(archiveLine(archivePolicy(pack)));
    }
    for (const [at, row] of rows.entries()) {
      const kind = row.kind as RecordKind;
      seen.records += 1;
      if (row.payload === null) seen.erased += 1;
      by_kind[kind] = (by_kind[kind] ?? 0) + 1;
      yield written(archiveLine(archiveRecord({ ...row, kind }, proofs[at] ?? [])));
    }
    await turn(signal);
  }
  const { since, until, tenant_id, dataset_id, tree_size } = head;
  const digest: Digest = `sha256:${hash.copy().digest('hex')}`;
  const manifest = { since, until, tenant_id, dataset_id, tree_size, ...seen, policies: told.size, by_kind, digest };
  yield Buffer.from(archiveLine(archiveEnd(manifest, deps.signer)));
}

async function* pages(database: Database, filter: Filter, { first, last }: Edges, signal: AbortSignal) {
  const { tenant_id, dataset_id } = filter;
  for (let floor = first; floor <= last; ) {
    const end = Math.min(last + 1, floor + lookThrough);
    const [rows] = await database.read([stored.archivePage({ tenant_id, dataset_id, floor, end, limit: pageSize })]);
    if (rows.length > 0) yield rows;
    const reached = rows.at(-1)?.leaf_index;
    floor = rows.length < pageSize || reached === undefined ? end : reached + 1;
    if (rows.length === 0) await turn(signal);
  }
}

function policiesOf({ kind, payload }: stored.RecordRow): string[] {
  if (kind !== 'decision' || payload === null) return [];
  const parsed = parseStatement(JSON.parse(Buffer.from(payload).toString('utf8')));
  return parsed.ok && parsed.statement.kind === 'decision' ? parsed.statement.predicate.policies.map(({ digest }) => digest) : [];
}

async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
