import { appendFileSync, readFileSync } from 'node:fs';
import type { LogVerificationDocument } from '@govctl/core/api';
import { refsDigest } from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqlite, type SqliteHandle } from '../db/index.ts';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';

type Disposition = { disposition_id: string; records: number; erased: number; held: number; finished: boolean; evidence_ref: string };
type Plan = { items: { rule: string; records: number; held: number; in_use: number; by_kind: object }[]; unfinished: string[] };

let at: TestDaemon;
let handle: SqliteHandle;
let days = 0;
const base = '/v1/evidence/dispositions';
const rules = `
retention:
  rules:
    - { name: reads, kinds: [ref-resolution], keep_for: 30d }
    - { name: decisions, kinds: [decision, promotion, verification-summary], datasets: [orders], keep_for: 90d }
    - { name: decisions-of-all, kinds: [decision], keep_for: 10d }
`;

beforeAll(async () => {
  at = await testDaemon();
  at.clock.now = () => new Date(Date.now() + days * 86_400_000).toISOString();
  await at.govern('orders');
  for (const run of ['run-1', 'run-2', 'run-3']) await at.promote('orders', run);
  const first = String((await at.call('GET', '/v1/decisions/run-1')).json().decision_ref);
  for (let n = 0; n < 3; n += 1) await at.call('POST', `/v1/evidence/refs/${first}/resolve`, { body: {} });
  handle = openSqlite(at.dir.database);
});
afterAll(async () => {
  handle.close();
  await at.close();
});

const plan = async () => (await at.call('GET', `${base}/plan`)).json() as unknown as Plan;
const announce = async () =>
  (await at.call('POST', base, { body: { reason: 'past their time' } })).json() as unknown as { items: Disposition[] };
const erase = async (id: string) =>
  ((await at.call('POST', `${base}/${id}/erase`, { body: {} })).json() as unknown as { items: Disposition[] }).items[0];
async function verify(): Promise<LogVerificationDocument> {
  const answer = await at.call('POST', '/v1/log/verify', { body: {} });
  const [, data = ''] = answer.bytes.toString('utf8').trim().split('\n\n').at(-1)?.split('\n') ?? [];
  return JSON.parse(data.slice('data: '.length)) as LogVerificationDocument;
}
const rowsOf = (kind: string) =>
  handle
    .prepare(
      'SELECT r.ref, r.run_id, p.payload FROM record r LEFT JOIN record_payload p USING (leaf_index) WHERE r.kind = ? ORDER BY leaf_index',
    )
    .all(kind) as { ref: string; run_id: string | null; payload: Buffer | null }[];

describe('retention', () => {
  it('erases nothing without a rule', async () => {
    expect((await at.call('GET', `${base}/plan`)).json()).toMatchObject({ status: 422, hint: expect.stringContaining('retention.rules') });
    expect((await at.call('POST', base, { body: { reason: 'because' } })).status).toBe(422);
    await at.stop();
    appendFileSync(at.dir.config, rules);
    await at.start();
  });

  it('plans by age, and keeps what is in use and what is on hold', async () => {
    expect((await plan()).items.map(({ records }) => records)).toEqual([0, 0, 0]);
    days = 31;
    expect((await plan()).items).toMatchObject([
      { rule: 'reads', records: 3, by_kind: { 'ref-resolution': 3 } },
      { records: 0 },
      { records: 0 },
    ]);
    days = 100;
    // The newest promotion is what is ACTIVE; the rule that keeps longest decides.
    const decisions = { rule: 'decisions', records: 6, in_use: 3, by_kind: { decision: 2, promotion: 2, 'verification-summary': 2 } };
    expect((await plan()).items).toMatchObject([{ records: 3 }, decisions, { records: 0 }]);
    const placed = await at.call('POST', '/v1/holds', { body: { dataset_id: 'orders', layer: 'KPI', reason: 'litigation' } });
    expect(placed.json()).toMatchObject({ kind: 'Hold', lifted_at: null, evidence_ref: expect.stringMatching(/^sha256:/) });
    expect((await plan()).items.map(({ records, held }) => [records, held])).toEqual([
      [0, 3],
      [0, 9],
      [0, 0],
    ]);
    expect((await announce()).items).toEqual([]);
    await at.call('POST', `/v1/holds/${String(placed.json().hold_id)}/lift`, { body: { reason: 'settled' } });
  });

  it('puts the list on record before the first byte goes, and survives an end between the two', async () => {
    const [announced] = (await announce()).items;
    expect(announced).toMatchObject({ rule: 'reads', records: 3, erased: 0, held: 0, finished: false });
    const id = String(announced?.disposition_id);
    const record = rowsOf('governance-fact').find(({ ref }) => ref === announced?.evidence_ref);
    const { predicate } = JSON.parse(String(record?.payload)) as { predicate: Record<string, unknown> };
    expect(predicate).toMatchObject({
      fact: 'evidence.dispose',
      subject: `disposition/${id}`,
      actor: { actor_id: 'HUMAN::operator' },
      reason: 'past their time',
      digest: refsDigest(rowsOf('ref-resolution').map(({ ref }) => ref)),
      detail: { rule: { name: 'reads', keep_for: '30d' }, records: 3 },
    });
    await at.stop();
    await at.start();
    expect(rowsOf('ref-resolution').every(({ payload }) => payload !== null)).toBe(true);
    expect((await plan()).unfinished).toEqual([id]);
    expect((await announce()).items).toMatchObject([{ disposition_id: id, erased: 0 }]);
    expect(await verify()).toMatchObject({ verified: true, checked: { erased: 0 } });
    const findings = (await at.call('POST', '/v1/reconcile', { body: {} })).json().findings;
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'disposition',
        subject: `disposition/${id}`,
        fix: 'govctl evidence disposition apply --reason TEXT',
      }),
    );
  });

  it('erases payloads and nothing else, and again changes nothing', async () => {
    const [announced] = (await announce()).items;
    const id = String(announced?.disposition_id);
    const salts = rowsOf('ref-resolution').map(({ payload }) => String(JSON.parse(String(payload)).predicate.salt));
    expect(await erase(id)).toMatchObject({ erased: 3, finished: true });
    expect(await erase(id)).toMatchObject({ erased: 3, finished: true });
    expect(rowsOf('ref-resolution').map(({ payload }) => payload)).toEqual([null, null, null]);
    expect(await verify()).toMatchObject({ verified: true, failures: [], checked: { erased: 3 } });
    // Overwritten, not merely forgotten.
    handle.pragma('wal_checkpoint(TRUNCATE)');
    const file = readFileSync(at.dir.database);
    for (const salt of salts) expect(file.includes(salt)).toBe(false);
    const findings = (await at.call('POST', '/v1/reconcile', { body: {} })).json().findings as { check: string }[];
    expect(findings.filter(({ check }) => check === 'disposition')).toEqual([]);
  });

  it('erases nothing of a dataset that was put on hold after the announcement', async () => {
    const [announced] = (await announce()).items;
    const id = String(announced?.disposition_id);
    expect(announced).toMatchObject({ rule: 'decisions', records: 6 });
    const placed = await at.call('POST', '/v1/holds', { body: { dataset_id: 'orders', layer: 'RAW', reason: 'litigation' } });
    expect(await erase(id)).toMatchObject({ erased: 0, held: 6, finished: true });
    expect((await announce()).items).toEqual([]);
    expect(() =>
      handle
        .prepare('DELETE FROM record_payload WHERE leaf_index IN (SELECT leaf_index FROM disposition_item WHERE disposition_id = ?)')
        .run(id),
    ).toThrow('on hold');
    await at.call('POST', `/v1/holds/${String(placed.json().hold_id)}/lift`, { body: { reason: 'settled' } });
    expect((await announce()).items).toMatchObject([{ disposition_id: id, held: 0 }]);
    expect(await erase(id)).toMatchObject({ erased: 6, finished: true });
    expect((await at.call('GET', base)).json()).toMatchObject({
      items: [
        { rule: 'decisions', erased: 6 },
        { rule: 'reads', erased: 3 },
      ],
    });
    expect((await announce()).items).toEqual([]);
  });

  it('leaves a deployment that answers as well as it can', async () => {
    const gone = rowsOf('decision').find(({ run_id }) => run_id === 'run-1');
    expect((await at.call('GET', '/v1/decisions/run-1')).json()).toMatchObject({ status: 410, detail: expect.stringContaining('erased') });
    expect((await at.call('GET', '/v1/evidence/export/run-1')).json()).toMatchObject({ status: 410 });
    expect((await at.call('GET', '/v1/promotions/run-1')).json()).toMatchObject({
      kind: 'Promotion',
      run_id: 'run-1',
      status: 'succeeded',
    });
    expect((await at.call('GET', '/v1/evidence?run_id=run-1')).json()).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ ref: gone?.ref, erased: true })]),
    });
    expect((await at.call('GET', `/v1/log/proof?ref=${String(gone?.ref)}`)).json()).toMatchObject({ kind: 'LogProof' });
    expect((await at.call('GET', '/v1/decisions/run-3')).json()).toMatchObject({ kind: 'Decision' });
    expect(await verify()).toMatchObject({ verified: true, checked: { erased: 9, pointers: 3 } });
  });

  it('lets nobody erase without a disposition, change a list, or hide a loss behind one', async () => {
    const sqls = [
      'DELETE FROM record_payload WHERE leaf_index = 0',
      'DELETE FROM decision_facts',
      'UPDATE record_payload SET payload = NULL',
      "UPDATE disposition_item SET disposition_id = 'x'",
      'DELETE FROM disposition',
    ];
    for (const sql of sqls) expect(() => handle.exec(sql), sql).toThrow(/recorded disposition|append-only|never changes/);
    // Whoever edits the file does not ask the triggers, or writes a list for himself: the log tells.
    const [row] = handle.prepare('SELECT disposition_id FROM disposition LIMIT 1').all() as { disposition_id: string }[];
    handle.prepare('INSERT INTO disposition_item (leaf_index, disposition_id) VALUES (1, ?)').run(row?.disposition_id);
    handle.exec('DELETE FROM record_payload WHERE leaf_index = 1');
    expect((await verify()).failures).toEqual([
      { check: 'erasure', subject: row?.disposition_id, detail: 'what it lists is not what its record announced' },
    ]);
    handle.exec('DROP TRIGGER disposition_item_no_delete');
    handle.exec('DELETE FROM disposition_item WHERE leaf_index = 1');
    expect((await verify()).failures).toMatchObject([{ check: 'erasure', detail: 'its payload is gone, and no disposition lists it' }]);
  });

  it('asks for a grant on what it erases', async () => {
    const stranger = await at.key('HUMAN::stranger', ['evidence.dispose', 'evidence.read'], ['invoices']);
    const [row] = handle.prepare('SELECT disposition_id FROM disposition LIMIT 1').all() as { disposition_id: string }[];
    expect((await at.call('POST', `${base}/${row?.disposition_id}/erase`, { body: {}, key: stranger })).status).toBe(403);
    const reader = await at.key('HUMAN::reader', ['evidence.read'], ['*']);
    expect((await at.call('POST', base, { body: { reason: 'because' }, key: reader })).status).toBe(403);
  });
});
