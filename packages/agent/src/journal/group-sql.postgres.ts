import type { MerkleNode, RecordDraft } from '@govctl/core/evidence';
import type { PostgresRun } from '../db/index.ts';
import type { Leaf } from './pending.ts';

export type PlacedRecord = { readonly record: RecordDraft; readonly leaf: Leaf; readonly leaf_index: number };
export type GroupEvidence = {
  readonly records: readonly PlacedRecord[];
  readonly nodes: readonly MerkleNode[];
  readonly head: { readonly size: number; readonly root: Uint8Array };
  readonly committed_at: string;
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/**
 * All leaves of a group in one statement, under the lock of the head: how long other hosts wait is one round trip and one flush. As
 * JSON, because the columns differ in type and are as many as the group has members.
 */
const evidence = `WITH placed AS MATERIALIZED (
    SELECT * FROM json_to_recordset(CAST(:records AS json)) AS r(leaf_index bigint, ref text, kind text, run_id text, tenant_id text,
      dataset_id text, recorded_at text, leaf_hash text, body text, payload text, facts text)
  ), leaves AS (
    INSERT INTO record (leaf_index, ref, kind, run_id, tenant_id, dataset_id, recorded_at, leaf_hash, body)
    SELECT leaf_index, ref, kind, run_id, tenant_id, dataset_id, recorded_at, decode(leaf_hash, 'hex'), decode(body, 'hex') FROM placed
  ), payloads AS (
    INSERT INTO record_payload (leaf_index, payload) SELECT leaf_index, decode(payload, 'hex') FROM placed
  ), facts AS (
    INSERT INTO decision_facts (leaf_index, facts) SELECT leaf_index, facts FROM placed WHERE facts IS NOT NULL
  ), nodes AS (
    INSERT INTO merkle_node (level, node_index, hash)
    SELECT level, index, decode(hash, 'hex') FROM json_to_recordset(CAST(:nodes AS json)) AS n(level bigint, index bigint, hash text)
  )
  INSERT INTO log_head (size, root, committed_at) VALUES (:size, :root, :committed_at) RETURNING CAST(pg_current_xact_id() AS text) AS xid`;

/** @returns the transaction's id: what to ask the server about when its answer to COMMIT is lost */
export async function insertEvidence(run: PostgresRun, group: GroupEvidence): Promise<string | null> {
  const records = group.records.map(({ record, leaf, leaf_index }) => ({
    leaf_index,
    ref: record.ref,
    kind: record.kind,
    run_id: record.run_id,
    tenant_id: record.tenant_id,
    dataset_id: record.dataset_id,
    recorded_at: record.recorded_at,
    leaf_hash: hex(leaf.hash),
    body: hex(leaf.body),
    payload: hex(record.payload),
    facts: record.facts ?? null,
  }));
  const { rows } = await run<{ xid: string }>(evidence, {
    records: JSON.stringify(records),
    nodes: JSON.stringify(group.nodes.map(({ level, index, hash }) => ({ level, index, hash: hex(hash) }))),
    size: group.head.size,
    root: group.head.root,
    committed_at: group.committed_at,
  });
  return rows[0]?.xid ?? null;
}

/** Events of one unit: one row, and its place among those without a position. */
export const outboxSql = `WITH written AS (
    INSERT INTO outbox (committed_at, event_count, events) VALUES (:committed_at, :event_count, :events) RETURNING outbox_id
  )
  INSERT INTO outbox_waiting (outbox_id) SELECT outbox_id FROM written`;
