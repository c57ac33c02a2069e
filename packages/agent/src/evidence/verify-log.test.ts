import type { LogVerificationDocument } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite, type SqliteHandle } from '../db/index.ts';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';

let at: TestDaemon;
let handle: SqliteHandle;
beforeAll(async () => {
  at = await testDaemon();
  await at.govern('orders');
  await at.promote('orders', 'run-1');
  await at.promote('orders', 'run-2');
  for (let n = 0; n < 80; n += 1) await at.snapshot('orders', `row ${n}\n`);
  const first = String((await at.call('GET', '/v1/decisions/run-1')).json().decision_ref);
  await at.call('POST', `/v1/evidence/refs/${first}/resolve`, { body: {} });
  handle = openSqlite(at.dir.database);
  const triggers = handle.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all() as { name: string }[];
  // Whoever edits the file does not ask the triggers.
  for (const { name } of triggers) handle.exec(`DROP TRIGGER "${name}"`);
});
afterAll(async () => {
  handle.close();
  await at.close();
});

async function verify(): Promise<LogVerificationDocument> {
  const answer = await at.call('POST', '/v1/log/verify', { body: {} });
  const events = answer.bytes.toString('utf8').trim().split('\n\n');
  const [name = '', data = ''] = events.at(-1)?.split('\n') ?? [];
  expect(name, data).toBe('event: result');
  return JSON.parse(data.slice('data: '.length)) as LogVerificationDocument;
}

it('finds a log whole that a live daemon wrote, and says how much it read', async () => {
  const result = await verify();
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ verified: true, failed: 0, checked: { promotions: 2, pointers: 2, runs: 2, erased: 0 } });
  expect(result.checked.leaves).toBe(result.tree_size);
  expect(result.tree_size).toBeGreaterThan(80);
  expect(result.checked.heads).toBeGreaterThan(80);
  expect(result.checkpoint).toContain(`\n${result.tree_size}\n${Buffer.from(result.root, 'hex').toString('base64')}\n`);
});

it('misses a payload that no disposition lists, and nothing else of its leaf', async () => {
  const row = handle.prepare('SELECT * FROM record_payload WHERE leaf_index = 20').get() as { leaf_index: number; payload: Buffer };
  handle.exec('DELETE FROM record_payload WHERE leaf_index = 20');
  expect(await verify()).toMatchObject({ verified: false, failed: 1, failures: [{ check: 'erasure' }], checked: { erased: 1 } });
  handle.prepare('INSERT INTO record_payload VALUES (:leaf_index, :payload)').run(row);
});

describe('whatever was edited on disk', () => {
  let saved: { table: string; rows: Record<string, unknown>[] }[];
  const tables = ['record', 'record_payload', 'decision_facts', 'merkle_node', 'log_head', 'pointer', 'run'];
  beforeEach(() => {
    saved = tables.map((table) => ({ table, rows: handle.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[] }));
  });
  afterEach(() => {
    handle.exec('BEGIN');
    for (const { table, rows } of saved) {
      handle.exec(`DELETE FROM ${table}`);
      for (const row of rows) {
        const names = Object.keys(row);
        handle.prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map((name) => `:${name}`).join()})`).run(row);
      }
    }
    handle.exec('COMMIT');
  });

  const decision = "(SELECT leaf_index FROM record WHERE kind = 'decision' ORDER BY leaf_index LIMIT 1)";
  const promotion = "(SELECT leaf_index FROM record WHERE kind = 'promotion' ORDER BY leaf_index LIMIT 1)";
  const last = '(SELECT max(leaf_index) FROM record)';
  const edits: [what: string, sql: string, check: string][] = [
    [
      'a payload',
      `UPDATE record_payload SET payload = CAST(replace(payload, '"allow"', '"deny"') AS BLOB) WHERE leaf_index = ${decision}`,
      'payload-digest',
    ],
    ['a body', "UPDATE record SET body = CAST(replace(body, 'PKIX_ED25519', 'PKIX_ED25518') AS BLOB) WHERE leaf_index = 5", 'leaf-hash'],
    ['a hash', "UPDATE record SET leaf_hash = x'00' || substr(leaf_hash, 2) WHERE leaf_index = 5", 'leaf-hash'],
    ['a ref', `UPDATE record SET ref = 'sha256:${'1'.repeat(64)}' WHERE leaf_index = 5`, 'leaf-body'],
    ['a kind', "UPDATE record SET kind = 'audit' WHERE leaf_index = 5", 'columns'],
    ['whose run it was', `UPDATE record SET run_id = 'run-2' WHERE leaf_index = ${decision}`, 'columns'],
    ['whose dataset it was', 'UPDATE record SET dataset_id = NULL WHERE leaf_index = 5', 'columns'],
    ['when it was', "UPDATE record SET recorded_at = '2020-01-01T00:00:00.000Z' WHERE leaf_index = 5", 'columns'],
    [
      'the facts of a decision',
      `UPDATE decision_facts SET facts = replace(facts, 'orders', 'others') WHERE leaf_index = ${decision}`,
      'facts',
    ],
    ['that there were facts', `DELETE FROM decision_facts WHERE leaf_index = ${decision}`, 'facts'],
    ['a leaf in the middle', 'DELETE FROM record WHERE leaf_index = 40', 'index'],
    ['the last leaf', `DELETE FROM record WHERE leaf_index = ${last}`, 'index'],
    [
      'the order of two leaves',
      'UPDATE record SET leaf_index = CASE leaf_index WHEN 8 THEN -9 ELSE leaf_index END WHERE leaf_index = 8',
      'index',
    ],
    ['a node, as text of the same length', `UPDATE merkle_node SET hash = '${'x'.repeat(32)}' WHERE level = 3 AND node_index = 2`, 'node'],
    ['a leaf hash, as text of the same length', `UPDATE record SET leaf_hash = '${'x'.repeat(32)}' WHERE leaf_index = 4`, 'leaf-hash'],
    [
      'the newest root, as text of the same length',
      `UPDATE log_head SET root = '${'x'.repeat(32)}' WHERE size = (SELECT max(size) FROM log_head)`,
      'root',
    ],
    ['a node', "UPDATE merkle_node SET hash = x'00' || substr(hash, 2) WHERE level = 3 AND node_index = 2", 'node'],
    ['that there was a node', 'DELETE FROM merkle_node WHERE level = 1 AND node_index = 0', 'node'],
    ['a node that never was', "INSERT INTO merkle_node VALUES (30, 0, x'00')", 'node'],
    [
      'a leaf beside the log',
      `INSERT INTO record SELECT ${last} + 5, 'sha256:x', kind, run_id, tenant_id, dataset_id, recorded_at, leaf_hash, body FROM record WHERE leaf_index = 3`,
      'index',
    ],
    ['an old root', "UPDATE log_head SET root = x'00' || substr(root, 2) WHERE size = 30", 'root'],
    ['the newest root', "UPDATE log_head SET root = x'00' || substr(root, 2) WHERE size = (SELECT max(size) FROM log_head)", 'root'],
    ['what is ACTIVE', "UPDATE pointer SET snapshot_id = 'other' WHERE run_id = 'run-1'", 'promotion'],
    ['by which decision', `UPDATE pointer SET decision_ref = 'sha256:${'2'.repeat(64)}' WHERE run_id = 'run-1'`, 'pointer'],
    ['under which fence', "UPDATE pointer SET fence = 99 WHERE run_id = 'run-2'", 'promotion'],
    ['that a pointer moved', "DELETE FROM pointer WHERE run_id = 'run-2'", 'promotion'],
    [
      'a move nobody recorded',
      "INSERT INTO pointer SELECT tenant_id, dataset_id, 'KPI', 1, snapshot_id, snapshot_hash, 'run-9', decision_ref, fence, moved_at FROM pointer WHERE run_id = 'run-1'",
      'pointer',
    ],
    [
      'which record a run names',
      `UPDATE run SET evidence_ref = (SELECT ref FROM record WHERE leaf_index = 3) WHERE run_id = 'run-1'`,
      'pointer',
    ],
    ['a record a run names and nobody wrote', `UPDATE run SET decision_ref = 'sha256:${'3'.repeat(64)}' WHERE run_id = 'run-1'`, 'run'],
    [
      'a promotion, whole, under another key',
      `UPDATE record_payload SET payload = (SELECT payload FROM record_payload WHERE leaf_index = 3) WHERE leaf_index = ${promotion}`,
      'payload-digest',
    ],
  ];
  it.each(edits)('%s: is found', async (_what, sql, check) => {
    expect(handle.prepare(sql).run().changes).toBe(1);
    const result = await verify();
    expect(result.verified).toBe(false);
    expect(result.checkpoint).toBeNull();
    expect(result.failures.map((failure) => failure.check)).toContain(check);
  });

  it('a record that was made up and hashed well, but that no trusted key signed, is found', async () => {
    const row = handle.prepare('SELECT p.payload FROM record_payload p WHERE leaf_index = 7').get() as { payload: Buffer };
    const forged = Buffer.from(row.payload.toString('utf8').replace('snapshot.create', 'snapshot.verify'));
    expect(forged.equals(row.payload)).toBe(false);
    const { leafBody, leafHash, ed25519Signer, signPayload } = await import('@govctl/core/evidence');
    const { generateKeyPairSync } = await import('node:crypto');
    const stranger = ed25519Signer(generateKeyPairSync('ed25519').privateKey);
    const ref = digestOf(forged);
    const body = leafBody(ref, [signPayload(forged, stranger)]);
    handle.prepare('UPDATE record SET ref = ?, body = ?, leaf_hash = ? WHERE leaf_index = 7').run(ref, body, leafHash(body));
    handle.prepare('UPDATE record_payload SET payload = ? WHERE leaf_index = 7').run(forged);
    const checks = (await verify()).failures.map((failure) => failure.check);
    expect(checks).toContain('signature');
    expect(checks).toContain('root');
  });
});

it('leaves others their turn while it reads', async () => {
  const verifying = verify();
  const versions = await Promise.all(Array.from({ length: 5 }, () => at.call('GET', '/version')));
  expect(versions.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect((await verifying).verified).toBe(true);
});
