import {
  handoffPruneDocument,
  handoffStatusDocument,
  quarantineDiscardDocument,
  quarantineListDocument,
  quarantineRetryDocument,
} from '@govctl/core/api';
import { describe, expect, it } from 'vitest';
import { HandlerBench } from './handler.fixture.ts';
import { settle } from './handoff.fixture.ts';

const at = (second: number) => `2026-11-20T10:00:${String(second).padStart(2, '0')}.000000Z`;
const line = (change: 'BORN' | 'CHANGED', object_key: string, born_at: string) => ({ change, object_key, object_type: 'tables', born_at });
const insert = (key: string, born_at: string) =>
  `INSERT INTO birth_registry (object_key, object_type, born_at, permit_id) VALUES ('${key}', 'tables', '${born_at}', 'p')`;

/** One faulty row and two behind it, beside an object that is well. */
function poisoned() {
  const bench = new HandlerBench();
  bench.permit();
  bench.add([line('BORN', 't/good', at(1))]);
  bench.birthsHandle.exec(`${insert('t/bad', 'yesterday')}; ${insert('t/bad', at(2))}`);
  bench.add([line('CHANGED', 't/bad', at(3))]);
  const tail = bench.tail();
  tail.start();
  settle(tail);
  const call = async <Name extends keyof HandlerBench['handlers']>(name: Name, parts: object) => {
    const handler = bench.handlers[name] as (request: unknown) => unknown;
    return await handler({ ...bench.context(), ...parts });
  };
  const list = async (query: object = {}) =>
    quarantineListDocument.parse(await call('handoff.quarantine-list', { query: { state: 'open', limit: 50, ...query } }));
  return { bench, tail, call, list };
}

describe('the quarantine', () => {
  it('is listed page by page with what waits, and a row is shown as it was read', async () => {
    const { bench, call, list } = poisoned();
    using _ = bench;
    const all = await list();
    expect(all.items.map((row) => [row.source, row.id, row.state])).toEqual([
      ['birth_registry', 2, 'faulty'],
      ['birth_registry', 3, 'waiting'],
      ['registry_changelog', 2, 'waiting'],
    ]);
    expect(all.counts).toEqual({ faulty: 1, waiting: 2, retrying: 0, applied: 0, discarded: 0 });
    const first = await list({ limit: 2 });
    expect((await list({ limit: 2, cursor: first.next_cursor ?? '' })).items.map((row) => row.id)).toEqual([2]);
    expect((await list({ object_key: 't/other' })).items).toEqual([]);
    const one = (await call('handoff.quarantine-get', { params: { source: 'birth_registry', id: 2 } })) as { row: string };
    expect(JSON.parse(one.row)).toMatchObject({ object_key: 't/bad', born_at: 'yesterday' });
    const status = handoffStatusDocument.parse(await call('handoff.status', {}));
    expect(status).toMatchObject({ coverage: 'behind', quarantine: 3, fix: 'govctl handoff quarantine ls' });
  });

  it('tries rows again on record, and says which failed; when the source was mended they are applied', async () => {
    const { bench, tail, call, list } = poisoned();
    using _ = bench;
    const retry = async (dry_run = false) =>
      quarantineRetryDocument.parse(
        await call('handoff.quarantine-retry', { body: { source: 'birth_registry', id: 3, reason: 'mended', dry_run } }),
      );
    // A dry run names what keeps the rows, and asks for nothing.
    expect(await retry(true)).toMatchObject({ asked: 3, retrying: 0, items: [{ id: 2 }], evidence_ref: null });
    expect((await list()).counts.retrying).toBe(0);
    const { asked, evidence_ref } = await retry();
    expect(asked).toBe(3);
    settle(tail);
    const after = await list({ retry_ref: evidence_ref });
    expect(after.counts).toMatchObject({ faulty: 1, waiting: 2, retrying: 0, applied: 0 });
    expect(after.items[0]).toMatchObject({ id: 2, attempts: 2, error: expect.stringContaining('born_at') });
    bench.birthsHandle.exec(`UPDATE birth_registry SET born_at = '${at(1)}' WHERE birth_id = 2`);
    const again = await retry();
    settle(tail);
    expect((await list({ retry_ref: again.evidence_ref, state: 'all' })).counts).toMatchObject({ faulty: 0, waiting: 0, applied: 3 });
    expect(bench.facts().map(({ fact }) => fact)).toEqual(['handoff.quarantine-retry', 'handoff.quarantine-retry']);
    expect(handoffStatusDocument.parse(await call('handoff.status', {}))).toMatchObject({ coverage: 'ok', quarantine: 0 });
  });

  it('gives a faulty row up on record, and nothing else: what waited is applied, and coverage is ok', async () => {
    const { bench, tail, call, list } = poisoned();
    using _ = bench;
    const discard = async (body: object) =>
      quarantineDiscardDocument.parse(await call('handoff.quarantine-discard', { body: { reason: 'test data', dry_run: false, ...body } }));
    await expect(discard({ source: 'birth_registry', id: 3 })).rejects.toMatchObject({ code: 'unprocessable' });
    await expect(discard({ source: 'birth_registry', id: 99 })).rejects.toMatchObject({ code: 'not-found' });
    expect(await discard({ object_key: 't/bad', dry_run: true })).toMatchObject({
      discarded: [{ id: 2 }],
      released: 2,
      evidence_ref: null,
    });
    expect((await list()).counts.discarded).toBe(0);
    expect(await discard({ object_key: 't/bad' })).toMatchObject({ released: 2, evidence_ref: expect.stringMatching(/^sha256:/) });
    settle(tail);
    expect((await list()).counts).toEqual({ faulty: 0, waiting: 0, retrying: 0, applied: 2, discarded: 1 });
    expect(bench.rows("SELECT resolved_by, reason FROM handoff_quarantine WHERE resolution = 'discarded'")).toEqual([
      { resolved_by: 'HUMAN::ada', reason: 'test data' },
    ]);
    expect(handoffStatusDocument.parse(await call('handoff.status', {}))).toMatchObject({ coverage: 'ok', lag_rows: 0 });
    await expect(discard({ object_key: 't/bad' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is judged anew after drift: ids may mean other rows', async () => {
    const { bench, tail, call, list } = poisoned();
    using _ = bench;
    await call('handoff.quarantine-discard', { body: { object_key: 't/bad', reason: 'test data', dry_run: false } });
    bench.govd.exec(`UPDATE handoff_cursor SET alarm = '{"coverage":"drift","detail":"x","raised_at":"2026-11-21T03:00:00.000Z"}'`);
    await call('handoff.resume', { body: { reason: 'restored' } });
    settle(tail);
    expect((await list()).counts).toMatchObject({ faulty: 1, discarded: 0 });
  });
});

describe('pause and resume', () => {
  it('stop the tail with who and why, keep candidates from being activated, and let it go on', async () => {
    const { bench, tail, call } = poisoned();
    using _ = bench;
    expect(await call('handoff.pause', { body: { reason: 'consumers are down' } })).toMatchObject({
      changed: true,
      paused_by: 'HUMAN::ada',
    });
    expect(await call('handoff.pause', { body: { reason: 'again' } })).toMatchObject({ changed: false, reason: 'consumers are down' });
    bench.add([line('BORN', 't/new', at(9))]);
    expect(tail.step(10)).toEqual({ kind: 'paused' });
    expect(handoffStatusDocument.parse(await call('handoff.status', {}))).toMatchObject({
      coverage: 'unknown',
      reason: expect.stringContaining('HUMAN::ada paused the tail'),
      paused: { reason: 'consumers are down' },
      fix: 'govctl handoff resume --reason TEXT',
    });
    expect(await call('handoff.resume', { body: { reason: 'they are back' } })).toMatchObject({
      resumed: true,
      ended_pause: { paused_by: 'HUMAN::ada' },
      accepted: [],
    });
    settle(tail);
    expect(bench.rows("SELECT 1 FROM governance_candidate_state WHERE object_key = 't/new'")).toHaveLength(1);
    expect(bench.facts().map(({ fact }) => fact)).toEqual(['handoff.pause', 'handoff.resume']);
  });

  it('are not mixed up with alarms: whoever ends a pause need not know of one', async () => {
    const { bench, call } = poisoned();
    using _ = bench;
    await call('handoff.pause', { body: { reason: 'consumers are down' } });
    bench.govd.exec(`UPDATE handoff_cursor SET alarm = '{"coverage":"pruned","detail":"x","raised_at":"2026-11-21T03:00:00.000Z"}'`);
    await expect(call('handoff.resume', { body: { reason: 'they are back' } })).rejects.toMatchObject({ code: 'conflict' });
    expect(await call('handoff.resume', { body: { reason: 'they are back', end: 'pause' } })).toMatchObject({
      accepted: [],
      resumed: true,
    });
    expect(bench.rows('SELECT 1 FROM handoff_cursor WHERE alarm IS NOT NULL')).toHaveLength(2);
    expect(await call('handoff.resume', { body: { reason: 'looked into it' } })).toMatchObject({ ended_pause: null, accepted: [{}, {}] });
    expect(await call('handoff.resume', { body: { reason: 'looked into it' } })).toMatchObject({ resumed: false });
  });
});

describe('a prune', () => {
  const pruning = () => {
    const { bench, tail, call } = poisoned();
    bench.add(Array.from({ length: 30 }, (_, second) => line('CHANGED', 't/good', at(10 + second))));
    settle(tail);
    const prove = () => {
      bench.clock.advance(6_000);
      settle(tail);
    };
    const prune = async (body: object) =>
      handoffPruneDocument.parse(await call('handoff.prune', { body: { reason: 'disk', dry_run: false, ...body } }));
    const ids = () => bench.rows<{ id: number }>('SELECT id FROM births.registry_changelog ORDER BY id').map((row) => row.id);
    return { bench, tail, call, prove, prune, ids };
  };

  it('removes what was read and proved, on record, and never a quarantined row or the newest; nothing is alarmed by it', async () => {
    const { bench, tail, call, prove, prune, ids } = pruning();
    using _ = bench;
    prove();
    expect(ids()).toHaveLength(32);
    expect(await prune({ keep: 10, dry_run: true })).toMatchObject({
      planned_rows: 21,
      quarantined: 1,
      prune_id: null,
      evidence_ref: null,
    });
    expect(ids()).toHaveLength(32);
    const started = await prune({ keep: 10 });
    const slice = () => call('handoff.prune-slice', { params: { prune_id: started.prune_id } });
    expect(handoffPruneDocument.parse(await slice())).toMatchObject({ removed_rows: 21, finished: true });
    expect(handoffPruneDocument.parse(await slice())).toMatchObject({ removed_rows: 21, finished: true });
    expect(ids()).toEqual([2, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]);
    expect(bench.facts()).toEqual([{ fact: 'handoff.prune', subject: `handoff/prune/${started.prune_id}` }]);
    const all = await prune({ keep: 0 });
    await call('handoff.prune-slice', { params: { prune_id: all.prune_id } });
    expect(ids()).toEqual([2, 32]);
    // Nothing of it is taken for a loss: not by the running tail, not by one that starts, not when everything is read again.
    prove();
    bench.govd.exec('UPDATE handoff_cursor SET low_water = 0, audited_upto = 0');
    const other = bench.tail();
    other.start();
    settle(other);
    bench.clock.advance(6_000);
    settle(other);
    expect(tail.step(1)).toEqual({ kind: 'fenced' });
    expect(bench.rows('SELECT alarm FROM handoff_cursor WHERE alarm IS NOT NULL')).toEqual([]);
    expect(bench.rows("SELECT changelog_id FROM governance_candidate_state WHERE object_key = 't/good'")).toEqual([{ changelog_id: 32 }]);
  });

  it('takes only what is older than a moment, and nothing that was not read yet', async () => {
    const { bench, tail, prove, prune } = pruning();
    using _ = bench;
    prove();
    expect(await prune({ before: at(15).replace('.000000', ''), dry_run: true })).toMatchObject({
      planned_rows: 6,
      oldest: at(1),
      newest: at(14),
    });
    bench.add([line('CHANGED', 't/good', at(50))]);
    expect((await prune({ keep: 0, dry_run: true })).upto).toBe(31);
    await expect(prune({ before: '2026-11-20T10:00:00.1234567Z' })).rejects.toMatchObject({ code: 'invalid-request' });
    settle(tail);
  });

  it('is refused while the ids cannot be relied on, and where the tables belong to other software', async () => {
    const { bench, prove, prune } = pruning();
    using _ = bench;
    prove();
    const started = await prune({ keep: 10 });
    bench.govd.exec(
      `UPDATE handoff_cursor SET alarm = '{"coverage":"drift","detail":"x","raised_at":"x"}' WHERE source = 'registry_changelog'`,
    );
    await expect(prune({ keep: 0 })).rejects.toMatchObject({ code: 'conflict' });
    const slice = { ...bench.context(), params: { prune_id: started.prune_id ?? '' } };
    await expect(bench.handlers['handoff.prune-slice'](slice as never)).rejects.toMatchObject({ code: 'conflict' });
    bench.pruner = null;
    const foreign = { ...bench.context(), body: { keep: 0, reason: 'disk', dry_run: true } };
    await expect(bench.handlersOf()['handoff.prune'](foreign)).rejects.toMatchObject({ code: 'unprocessable' });
  });
});
