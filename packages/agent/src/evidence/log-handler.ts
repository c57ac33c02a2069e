import { type logRoutes, Problem, schemaVersion } from '@govctl/core/api';
import {
  consistencyProof,
  encodeBase64,
  formatProof,
  inclusionProof,
  parseTilePath,
  publicKeyPem,
  renderEntryBundle,
  renderTile,
  type Tile,
  type Trust,
  type TrustRoot,
  tileRange,
  tileWidthAt,
} from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { type Handlers, Reply } from '../http/index.ts';
import { withCosignatures } from '../witness/queries.ts';
import type { CheckpointOf } from './evidence-bytes.ts';
import { withNodes } from './log-reader.ts';
import { committedHead, servedHead } from './log-state.ts';
import { bodiesOfRange, headOfSize, leafHashesOfRange, leafOfRef, nodesOfRange, refOfLeaf } from './queries.ts';

export type LogDependencies = {
  readonly database: Database;
  /** Signs a committed head, or throws `evidence-unavailable` where nothing may be signed. */
  readonly checkpointOf: CheckpointOf;
  readonly witness_quorum: number;
  readonly trust: { readonly document: Trust; readonly root: TrustRoot };
};

type LogRoute = 'key.ls' | 'log.checkpoint' | 'log.tile' | 'log.proof' | 'log.consistency';

const immutable = 'public, max-age=31536000, immutable';

/** The log as C2SP tlog-tiles has it, read-only, and proofs about it. */
export function logHandlers({
  database,
  checkpointOf,
  witness_quorum,
  trust,
}: LogDependencies): Pick<Handlers<typeof logRoutes>, LogRoute> {
  const headOf = async (size: number | undefined, leafIndex?: number) => {
    if (size === undefined) return await servedHead(database, witness_quorum, leafIndex);
    const [[head]] = await database.read([headOfSize({ size })]);
    if (head !== undefined) return head;
    throw new Problem('not-found', {
      detail: `the log never had a checkpoint of ${size} leaves: several can be committed at once`,
      hint: 'leave the size out for the newest: govctl log checkpoint',
    });
  };

  return {
    async 'key.ls'() {
      return {
        schemaVersion,
        kind: 'KeyList' as const,
        ...trust.document.log,
        items: trust.root.keys.map((key) => ({
          purpose: key.purpose,
          role: key.role,
          keyid: key.keyid,
          public_key: publicKeyPem(key),
          from_index: key.from_index,
          to_index: key.to_index,
        })),
      };
    },

    async 'log.checkpoint'() {
      const head = await servedHead(database, witness_quorum);
      return new Reply(200, await withCosignatures(database, checkpointOf(head), head.size, 'newest'), {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-cache',
      });
    },

    async 'log.tile'({ params }) {
      const path = `tile/${params['*']}`;
      const tile = parseTilePath(path);
      const { size } = await committedHead(database);
      if (tile === undefined || tileWidthAt(tile.level, tile.index, size) < tile.width) {
        throw new Problem('not-found', { detail: `a log of ${size} leaves has no ${path}`, hint: 'GET /v1/log/checkpoint says its size' });
      }
      return new Reply(200, await tileBytes(database, tile), {
        'content-type': 'application/octet-stream',
        'cache-control': immutable,
      });
    },

    async 'log.proof'({ query }) {
      const [[leaf]] =
        query.ref === undefined
          ? await database.read([refOfLeaf({ leaf_index: query.index ?? 0 })])
          : await database.read([leafOfRef({ ref: query.ref })]);
      const head = await headOf(query.size, leaf?.leaf_index);
      if (leaf === undefined || leaf.leaf_index >= head.size) {
        throw new Problem('not-found', {
          detail: `a log of ${head.size} leaves has no leaf ${query.ref ?? query.index}`,
          hint: 'govctl evidence ls',
        });
      }
      const hashes = await withNodes(database, (readNode) => inclusionProof(leaf.leaf_index, head.size, readNode));
      const checkpoint = await withCosignatures(database, checkpointOf(head), head.size, 'newest');
      return {
        schemaVersion,
        kind: 'LogProof' as const,
        ref: leaf.ref,
        leaf_index: leaf.leaf_index,
        leaf_body: encodeBase64(leaf.body),
        tree_size: head.size,
        hashes: hashes.map(encodeBase64),
        checkpoint,
        proof: formatProof({ index: leaf.leaf_index, hashes, checkpoint }),
      };
    },

    async 'log.consistency'({ query: { from, size } }) {
      const head = await headOf(size, from - 1);
      if (from > head.size) {
        throw new Problem('not-found', {
          detail: `a log of ${head.size} leaves has no beginning of ${from}: it is behind what was asked about, or it is another log`,
          hint: 'govctl log verify',
        });
      }
      const hashes = await withNodes(database, (readNode) => consistencyProof(from, head.size, readNode));
      return {
        schemaVersion,
        kind: 'LogConsistency' as const,
        from_size: from,
        tree_size: head.size,
        hashes: hashes.map(encodeBase64),
        checkpoint: await withCosignatures(database, checkpointOf(head), head.size, 'newest'),
      };
    },
  };
}

async function tileBytes(database: Database, tile: Tile): Promise<Uint8Array> {
  const { level, first, count } = tileRange(tile);
  const range = { first, end: first + count };
  if (tile.level === 'entries') {
    const [rows] = await database.read([bodiesOfRange(range)]);
    return renderEntryBundle(complete(rows, count).map(({ body }) => body));
  }
  const [rows] = await database.read([level === 0 ? leafHashesOfRange(range) : nodesOfRange({ level, ...range })]);
  return renderTile(complete(rows, count).map(({ hash }) => hash));
}

function complete<Row>(rows: readonly Row[], count: number): readonly Row[] {
  if (rows.length === count) return rows;
  throw new Problem('evidence-unavailable', {
    detail: `the evidence log lacks ${count - rows.length} nodes of a tile that it must have`,
    hint: 'govctl log verify',
  });
}
