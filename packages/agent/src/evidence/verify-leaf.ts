import type { LogCheckName } from '@govctl/core/api';
import {
  digestOf,
  equalBytes,
  isValidAt,
  leafHash,
  parseLeafBody,
  parseStatement,
  requirementsFor,
  type Statement,
  type TrustRoot,
  verifySignature,
} from '@govctl/core/evidence';
import type { LeafRow } from './verify-log-queries.ts';

export type LeafFailure = readonly [check: LogCheckName, detail: string];

/**
 * Reads one stored leaf again, value by value: hash, body, payload, signatures, statement, columns, facts. Answers what the statement
 * says where it can be read.
 */
export function verifyLeaf(row: LeafRow, trust: TrustRoot): { readonly failures: readonly LeafFailure[]; readonly statement?: Statement } {
  const failures: LeafFailure[] = [];
  if (!equalBytes(leafHash(row.body), row.leaf_hash)) failures.push(['leaf-hash', 'the stored hash is not that of the stored body']);
  const leaf = attempt(() => parseLeafBody(row.body));
  if (leaf instanceof Error) return { failures: [...failures, ['leaf-body', leaf.message]] };
  if (leaf.payload_digest !== row.ref) failures.push(['leaf-body', `the body is of ${leaf.payload_digest}, the row of ${row.ref}`]);
  const { payload } = row;
  if (payload === null) return { failures };
  if (digestOf(payload) !== leaf.payload_digest) {
    failures.push(['payload-digest', `the payload has the digest ${digestOf(payload)}`]);
    return { failures };
  }
  const parsed = attempt(() => parseStatement(JSON.parse(Buffer.from(payload).toString('utf8'))));
  if (parsed instanceof Error || !parsed.ok) {
    failures.push(['statement', parsed instanceof Error ? parsed.message : parsed.reason]);
    return { failures };
  }
  const { statement } = parsed;
  for (const { role, threshold } of requirementsFor(trust, statement.kind)) {
    const signers = trust.keys.filter(
      (key) =>
        key.purpose === 'decision' &&
        key.role === role &&
        isValidAt(key, row.leaf_index) &&
        leaf.signatures.some(
          (signature) => equalBytes(signature.public_key_spki, key.spki) && verifySignature(key.key, payload, signature.sig),
        ),
    );
    if (signers.length < threshold)
      failures.push(['signature', `${signers.length} of ${threshold} trusted keys of role ${role} signed it`]);
  }
  if (requirementsFor(trust, statement.kind).length === 0) failures.push(['signature', `the trust root accepts no ${statement.kind}`]);
  const { predicate } = statement;
  const columns = ['run_id', 'tenant_id', 'dataset_id', 'recorded_at'] as const;
  const differs = columns.filter((column) => row[column] !== predicate[column]);
  if (row.kind !== statement.kind || differs.length > 0)
    failures.push([
      'columns',
      `the row says otherwise than the record: ${[...(row.kind === statement.kind ? [] : ['kind']), ...differs].join(', ')}`,
    ]);
  const wantedFacts = statement.kind === 'decision' ? statement.predicate.facts_digest : null;
  // Facts may be erased with the payload only: a decision that can be read can be made again.
  if ((row.facts === null ? null : digestOf(Buffer.from(row.facts))) !== wantedFacts)
    failures.push(['facts', 'the facts are not those it was decided from']);
  return { failures, statement };
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
