import { Readable } from 'node:stream';
import { qualityFileLimit, qualityImportDocument } from '@govctl/core/api';
import { digestOf, parseStatement } from '@govctl/core/evidence';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testActor } from '../http/serve.fixture.ts';
import { type TestGovernance, testGovernance } from '../policy/governance.fixture.ts';

let at: TestGovernance;
beforeEach(async () => {
  at = await testGovernance();
  await at.snapshot('orders-1');
});
afterEach(() => at.close());

const results = (status: string) =>
  Buffer.from(
    JSON.stringify({
      metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/run-results/v6.json' },
      results: [
        { status: 'success', unique_id: 'model.shop.orders' },
        { status, unique_id: 'test.shop.unique_orders_id.5f1c', timing: [{ completed_at: '2026-11-21T02:00:00Z' }] },
      ],
    }),
  );
const send = (bytes: Uint8Array | Readable, kind = 'dbt', snapshot = 'orders-1') =>
  at.http.request('POST', `/v1/snapshots/${snapshot}/quality?kind=${kind}`, { bytes });
const count = (table: string) => (at.journal.handle.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number }).rows;

it('keeps normalised results with the snapshot, by the digest of the file, with a record about both', async () => {
  const file = results('fail');
  const document = qualityImportDocument.parse((await send(file)).json);
  expect(document).toMatchObject({
    snapshot_id: 'orders-1',
    dataset_id: 'orders',
    source_kind: 'dbt',
    source_digest: digestOf(file),
    imported: true,
    ignored: 1,
    counts: { passed: 0, failed: 1 },
    checks: [{ name: 'unique_orders_id', status: 'failed', ran_at: '2026-11-21T02:00:00.000Z' }],
  });
  const row = at.journal.handle
    .prepare('SELECT r.ref, p.payload FROM record r JOIN record_payload p USING (leaf_index) ORDER BY r.leaf_index DESC LIMIT 1')
    .get() as { ref: string; payload: Uint8Array };
  expect(row.ref).toBe(document.evidence_ref);
  const parsed = parseStatement(JSON.parse(Buffer.from(row.payload).toString('utf8')));
  expect(parsed).toMatchObject({
    ok: true,
    statement: { predicate: { fact: 'quality.import', digest: digestOf(file), detail: { ignored: 1 } } },
  });
  if (parsed.ok) expect(parsed.statement.subject.map(({ digest }) => digest.sha256)).toEqual([digestOf(file).slice(7), 'e'.repeat(64)]);
});

it('takes the same file once, and an older one again: of each check the newest import counts', async () => {
  const [bad, good] = [results('fail'), results('pass')];
  await send(bad);
  const before = [count('quality_import'), count('record')];
  expect((await send(bad)).json).toMatchObject({ imported: false, evidence_ref: null, counts: { failed: 1 } });
  expect([count('quality_import'), count('record')]).toEqual(before);
  expect((await send(good)).json).toMatchObject({ imported: true });
  expect((await send(bad)).json).toMatchObject({ imported: true });
  const { items } = (await at.http.request('GET', '/v1/snapshots/orders-1/quality')).json as { items: { source_digest: string }[] };
  expect(items.map(({ source_digest }) => source_digest)).toEqual([bad, good, bad].map(digestOf));
});

it('reads JUnit', async () => {
  const xml = '<testsuite timestamp="2026-11-21T02:00:00"><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>';
  expect((await send(Buffer.from(xml), 'junit')).json).toMatchObject({ counts: { passed: 1, skipped: 1 } });
});

it.each([
  ['nothing', new Uint8Array(), 'dbt', 422],
  ['no check at all', Buffer.from('{"metadata":{"dbt_schema_version":"https://x/run-results/v6"},"results":[]}'), 'dbt', 422],
  ['binary junk as JUnit', Buffer.from([0xff, 0xfe, 0, 1, 2]), 'junit', 422],
  ['binary junk as dbt', Buffer.from([0xff, 0xfe, 0, 1, 2]), 'dbt', 422],
  ['a kind nobody reads', results('pass'), 'excel', 400],
])('refuses %s and keeps nothing', async (_what, bytes, kind, status) => {
  const before = [count('quality_import'), count('record')];
  expect((await send(bytes, kind)).status).toBe(status);
  expect([count('quality_import'), count('record')]).toEqual(before);
});

it('stops reading a file that is too long', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 0x20);
  const chunks = Array.from({ length: qualityFileLimit / chunk.length + 1 }, () => chunk);
  expect((await send(Readable.from(chunks))).json.code).toBe('payload-too-large');
  expect(count('quality_import')).toBe(0);
});

it('refuses a file that was sent as something else, instead of an empty one', async () => {
  const answer = await at.http.request('POST', '/v1/snapshots/orders-1/quality?kind=dbt', { body: JSON.parse(String(results('pass'))) });
  expect(answer.json.code).toBe('unsupported-media-type');
});

it('is for those with a grant for the dataset; others do not learn that the snapshot exists', async () => {
  at.http.actor = testActor({ actions: ['quality.*'], tenants: ['*'], datasets: ['clients'] });
  expect((await send(results('pass'))).json.code).toBe('not-found');
  expect((await at.http.request('GET', '/v1/snapshots/orders-1/quality')).json.code).toBe('not-found');
  at.http.actor = testActor(
    { actions: ['quality.*'], tenants: ['*'], datasets: ['clients'] },
    { actions: ['snapshot.read'], tenants: ['*'], datasets: ['orders'] },
  );
  expect((await send(results('pass'))).json.code).toBe('forbidden');
  expect(count('quality_import')).toBe(0);
});
