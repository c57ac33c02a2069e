import type { LogCheckName } from '@govctl/core/api';
import {
  digestOf,
  equalBytes,
  factsDigestOf,
  type Leaf,
  leafHash,
  parseLeafBody,
  parseStatement,
  type Statement,
} from '@govctl/core/evidence';
import type { LeafRow } from './verify-log-queries.ts';

type LeafFailure = readonly [check: LogCheckName, detail: string];

export type LeafVerdict = {
  readonly failures: readonly LeafFailure[];
  /** What it says, where that can be read. */
  readonly statement?: Statement;
  /** The leaf, where its payload is what it says: then its signatures can be checked. */
  readonly leaf?: Leaf;
};

/** Reads one stored leaf again, value by value: hash, body, payload, statement, columns, facts; everything but who signed it. */
export function verifyLeaf(row: LeafRow): LeafVerdict {
  const failures: LeafFailure[] = [];
  // An edited database gives text where bytes were stored.
  if (!(row.body instanceof Uint8Array)) return { failures: [['leaf-body', 'it is stored as text']] };
  if (!equalBytes(leafHash(row.body), row.leaf_hash)) failures.push(['leaf-hash', 'the stored hash is not that of the stored body']);
  const leaf = attempt(() => parseLeafBody(row.body));
  if (leaf instanceof Error) return { failures: [...failures, ['leaf-body', leaf.message]] };
  if (leaf.payload_digest !== row.ref) failures.push(['leaf-body', `the body is of ${leaf.payload_digest}, the row of ${row.ref}`]);
  const { payload } = row;
  if (payload === null) return { failures };
  const digest = payload instanceof Uint8Array ? digestOf(payload) : 'of text, where bytes are stored';
  if (digest !== leaf.payload_digest) return { failures: [...failures, ['payload-digest', `the payload has the digest ${digest}`]] };
  const parsed = attempt(() =>
    parseStatement(JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'))),
  );
  if (parsed instanceof Error || !parsed.ok)
    return { failures: [...failures, ['statement', parsed instanceof Error ? parsed.message : parsed.reason]], leaf };
  const { statement } = parsed;
  const { predicate } = statement;
  const columns = ['run_id', 'tenant_id', 'dataset_id', 'recorded_at'] as const;
  const differs = [...(row.kind === statement.kind ? [] : ['kind']), ...columns.filter((column) => row[column] !== predicate[column])];
  if (differs.length > 0) failures.push(['columns', `the row says otherwise than the record: ${differs.join(', ')}`]);
  const wantedFacts = factsDigestOf(statement);
  // Facts may be erased with the payload only: a decision that can be read can be made again.
  if ((row.facts === null ? null : digestOf(row.facts)) !== wantedFacts)
    failures.push(['facts', 'the facts are not those it was decided from']);
  return { failures, statement, leaf };
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
