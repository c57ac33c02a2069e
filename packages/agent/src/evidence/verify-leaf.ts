import { type KeyObject, verify } from 'node:crypto';
import type { LogCheckName } from '@govctl/core/api';
import {
  digestOf,
  equalBytes,
  factsDigestOf,
  isValidAt,
  leafHash,
  pae,
  parseLeafBody,
  parseStatement,
  type RecordSignature,
  requirementsFor,
  type Statement,
  statementPayloadType,
  type TrustedKey,
  type TrustRoot,
} from '@govctl/core/evidence';
import type { LeafRow } from './verify-log-queries.ts';

export type LeafFailure = readonly [check: LogCheckName, detail: string];

/**
 * Reads one stored leaf again, value by value: hash, body, payload, signatures, statement, columns, facts. Answers what the statement
 * says where it can be read.
 */
export async function verifyLeaf(
  row: LeafRow,
  trust: TrustRoot,
): Promise<{ readonly failures: readonly LeafFailure[]; readonly statement?: Statement }> {
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
  const requirements = requirementsFor(trust, statement.kind);
  if (requirements.length === 0) failures.push(['signature', `the trust root accepts no ${statement.kind}`]);
  const signers = await signersOf(row.leaf_index, payload, leaf.signatures, trust);
  for (const { role, threshold } of requirements) {
    const count = signers.filter((key) => key.role === role).length;
    if (count < threshold) failures.push(['signature', `${count} of ${threshold} trusted keys of role ${role} signed it`]);
  }
  const { predicate } = statement;
  const columns = ['run_id', 'tenant_id', 'dataset_id', 'recorded_at'] as const;
  const differs = columns.filter((column) => row[column] !== predicate[column]);
  if (row.kind !== statement.kind || differs.length > 0)
    failures.push([
      'columns',
      `the row says otherwise than the record: ${[...(row.kind === statement.kind ? [] : ['kind']), ...differs].join(', ')}`,
    ]);
  const wantedFacts = factsDigestOf(statement);
  // Facts may be erased with the payload only: a decision that can be read can be made again.
  if ((row.facts === null ? null : digestOf(Buffer.from(row.facts))) !== wantedFacts)
    failures.push(['facts', 'the facts are not those it was decided from']);
  return { failures, statement };
}

/** The trusted decision keys, valid at this index, that the leaf names and that signed the payload. */
async function signersOf(
  index: number,
  payload: Uint8Array,
  signatures: readonly RecordSignature[],
  trust: TrustRoot,
): Promise<readonly TrustedKey[]> {
  const signed = trust.keys.map(async (key) => {
    if (key.purpose !== 'decision' || !isValidAt(key, index)) return [];
    const own = signatures.filter((signature) => equalBytes(signature.public_key_spki, key.spki));
    const good = await Promise.all(own.map((signature) => verifiesElsewhere(key.key, payload, signature.sig)));
    return good.includes(true) ? [key] : [];
  });
  return (await Promise.all(signed)).flat();
}

/** Ed25519 on a thread of the pool: signatures are most of the work of reading a log again, and the event loop has other callers. */
function verifiesElsewhere(key: KeyObject, payload: Uint8Array, sig: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    verify(null, pae(statementPayloadType, payload), key, sig, (error, good) => resolve(error === null && good));
  });
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
