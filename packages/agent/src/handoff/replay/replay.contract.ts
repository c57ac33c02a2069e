import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TailScene } from '../tail.contract.ts';
import type { Replayer } from './port.ts';

export type ReplayBench = TailScene & {
  /** Of one host; `now` is its clock. */
  replayer(holder: string, now: () => string): Replayer;
};

type Change = 'BORN' | 'CHANGED' | 'RETIRED';
type Source = 'birth_registry' | 'registry_changelog';
type Range = { source?: Source; from?: number; to?: number; key?: string };

const at = (second: number, micro = 0) => `2026-11-20T10:00:${String(second).padStart(2, '0')}.${String(micro).padStart(6, '0')}Z`;
const line = (change: Change, object_key: string, born_at: string) => ({ change, object_key, object_type: 'tables', born_at });
const clock = () => new Date().toISOString();

async function settle(bench: TailScene): Promise<void> {
  for (let step = await bench.tail.step(500); step.kind === 'applied'; step = await bench.tail.step(500));
}

/** Everything that a replay must leave as it would have been. */
async function stateOf(bench: TailScene) {
  return {
    candidates: await bench.rows(
      'SELECT object_key, object_type, state, born_at, retired_at, changelog_id FROM governance_candidate_state ORDER BY 1',
    ),
    events: await bench.rows(
      'SELECT object_key, born_at FROM event_pending UNION ALL SELECT object_key, born_at FROM handoff_emitted ORDER BY 1, 2',
    ),
    quarantine: await bench.rows('SELECT source, id FROM handoff_quarantine ORDER BY 1, 2'),
  };
}

/** What says where the live tail stands, heartbeats aside. */
const cursors = (bench: TailScene) =>
  bench.rows('SELECT source, low_water, audited_upto, fence, holder, last_progress_at, alarm FROM handoff_cursor ORDER BY source');

let serial = 0;
async function begin(bench: TailScene, { source = 'registry_changelog', from = 1, to, key }: Range = {}): Promise<string> {
  const replay_id = `replay-${++serial}`;
  const upto = to ?? `(SELECT low_water FROM handoff_cursor WHERE source = '${source}')`;
  await bench.exec(
    `INSERT INTO handoff_replay (replay_id, source, from_id, to_id, object_key, status, position, rows_total, started_at, started_by, authenticated_by, evidence_ref)
     VALUES ('${replay_id}', '${source}', ${from}, ${upto}, ${key === undefined ? 'NULL' : `'${key}'`}, 'running', ${from - 1}, 0, 'x', 'HUMAN::t', 'test', 'ref')`,
  );
  return replay_id;
}

async function rowOf(bench: TailScene, replay_id: string) {
  const [row] = await bench.rows<Record<string, number>>(
    `SELECT position, to_id, rows_read, mended_candidates, mended_events, mended_changes, held_rows FROM handoff_replay WHERE replay_id = '${replay_id}'`,
  );
  if (row === undefined) throw new Error(`no replay ${replay_id}`);
  return row;
}

async function runAll(bench: ReplayBench, range: Range = {}, rows = 3) {
  const id = await begin(bench, range);
  const replayer = bench.replayer('one', clock);
  for (let row = await rowOf(bench, id); (row.position ?? 0) < (row.to_id ?? 0); row = await rowOf(bench, id)) {
    const step = await replayer.step(id, rows);
    if (step.kind !== 'applied') throw new Error(`it is ${step.kind}`);
  }
  await replayer.rest();
  return await rowOf(bench, id);
}

const nothing = { mended_candidates: 0, mended_events: 0, mended_changes: 0 };

/** What a replay does, whatever store it reads and writes. */
export function replayContract(open: () => Promise<ReplayBench>, numRuns: number): void {
  it('restores what was lost of any range with the whole history of its objects, and a second run changes nothing', async () => {
    const drafts = fc.array(
      fc.record({
        change: fc.constantFrom('BORN' as const, 'CHANGED' as const, 'RETIRED' as const),
        object_key: fc.constantFrom('t/a', 't/b', 't/c', "t/d'é"),
        micro: fc.integer({ min: 0, max: 30 }),
      }),
      { minLength: 1, maxLength: 30 },
    );
    const lost = fc.subarray(['t/a', 't/b', 't/c', "t/d'é"]);
    await fc.assert(
      fc.asyncProperty(drafts, lost, lost, fc.boolean(), fc.integer({ min: 1, max: 6 }), async (lines, gone, mute, active, rows) => {
        await using bench = await open();
        if (active) await bench.exec("UPDATE event_type_registry SET active = 1 WHERE event_type = 'handoff.object_born'");
        await bench.add(lines.map(({ change, object_key, micro }) => line(change, object_key, at(1, micro))));
        await settle(bench);
        const before = await stateOf(bench);
        const live = await cursors(bench);
        const text = (key: string) => `'${key.replaceAll("'", "''")}'`;
        for (const key of gone) await bench.exec(`DELETE FROM governance_candidate_state WHERE object_key = ${text(key)}`);
        for (const key of mute) await bench.exec(`DELETE FROM event_pending WHERE object_key = ${text(key)}`);
        await runAll(bench, {}, rows);
        expect(await stateOf(bench)).toEqual(before);
        expect(await runAll(bench, {}, rows + 1)).toMatchObject(nothing);
        expect(await runAll(bench, { source: 'birth_registry' }, rows).catch((error: Error) => error.message)).toEqual(
          lines.some(({ change }) => change === 'BORN') ? expect.objectContaining(nothing) : expect.anything(),
        );
        expect(await stateOf(bench)).toEqual(before);
        expect(await cursors(bench)).toEqual(live);
      }),
      { numRuns },
    );
  });

  it('takes a retirement along that stands after the range: an object does not come back to life', async () => {
    await using bench = await open();
    await bench.add([line('BORN', 't/a', at(1)), line('BORN', 't/b', at(2)), line('RETIRED', 't/a', at(3)), line('CHANGED', 't/b', at(4))]);
    await settle(bench);
    const before = await stateOf(bench);
    await bench.exec('DELETE FROM governance_candidate_state');
    expect(await runAll(bench, { from: 1, to: 1 })).toMatchObject({ rows_read: 1, mended_candidates: 1 });
    expect((await stateOf(bench)).candidates).toEqual(before.candidates.filter((row) => row.object_key === 't/a'));
    expect(await runAll(bench, { key: 't/b' })).toMatchObject({ rows_read: 2, mended_candidates: 1, mended_changes: 1 });
    expect(await stateOf(bench)).toEqual(before);
  });

  it('finds what was never applied: a type, a change, a retirement, an event of a birth that only the changelog tells of', async () => {
    await using bench = await open();
    await bench.exec(`INSERT INTO births.registry_changelog (object_key, change, born_at) VALUES ('t/x', 'BORN', '${at(1)}')`);
    await bench.add([line('BORN', 't/a', at(1)), line('CHANGED', 't/a', at(2)), line('RETIRED', 't/a', at(3))]);
    await settle(bench);
    const before = await stateOf(bench);
    await bench.exec(
      "UPDATE governance_candidate_state SET object_type = NULL, changelog_id = 0, retired_at = NULL WHERE object_key = 't/a'",
    );
    await bench.exec("DELETE FROM event_pending WHERE object_key = 't/x'");
    expect(await runAll(bench)).toMatchObject({ mended_events: 1, mended_changes: expect.any(Number) });
    expect(await runAll(bench, { source: 'birth_registry' })).toMatchObject({ rows_read: 1 });
    const after = await stateOf(bench);
    expect(after.events).toEqual(before.events);
    expect(after.candidates.map(({ object_key, retired_at, changelog_id }) => ({ object_key, retired_at, changelog_id }))).toEqual(
      before.candidates.map(({ object_key, retired_at, changelog_id }) => ({ object_key, retired_at, changelog_id })),
    );
    expect(await runAll(bench)).toMatchObject(nothing);
  });

  it('leaves delivery to the tail: what it captures of an active type goes out once, in key order', async () => {
    await using bench = await open();
    await bench.exec("UPDATE event_type_registry SET active = 1 WHERE event_type = 'handoff.object_born'");
    await bench.add([line('BORN', 't/b', at(1)), line('BORN', 't/a', at(2))]);
    await settle(bench);
    await bench.exec('DELETE FROM handoff_emitted');
    expect(await runAll(bench)).toMatchObject({ mended_events: 2 });
    expect(await bench.rows('SELECT object_key FROM event_pending ORDER BY 1')).toHaveLength(2);
    await settle(bench);
    expect(await bench.rows('SELECT * FROM event_pending')).toEqual([]);
    const events = (await bench.rows<{ events: string }>('SELECT events FROM outbox ORDER BY outbox_id')).flatMap(
      (row) => JSON.parse(row.events) as { subject: string }[],
    );
    expect(events.map(({ subject }) => subject)).toEqual(['t/a', 't/b', 't/a', 't/b']);
  });

  it('does not touch the quarantine, nor what waits in it', async () => {
    await using bench = await open();
    await bench.exec(
      `INSERT INTO births.registry_changelog (object_key, change, born_at) VALUES ('t/bad', 'BORN', 'yesterday'), ('t/bad', 'BORN', '${at(2)}'), ('t/ok', 'BORN', '${at(2)}')`,
    );
    await settle(bench);
    const before = await stateOf(bench);
    expect(before.quarantine).toHaveLength(2);
    expect(await runAll(bench)).toMatchObject({ rows_read: 3, held_rows: 2, ...nothing });
    await bench.exec("UPDATE handoff_quarantine SET resolved_at = 'x', resolved_by = 'HUMAN::t', resolution = 'discarded'");
    expect(await runAll(bench)).toMatchObject({ held_rows: 2, ...nothing });
    expect(await stateOf(bench)).toEqual(before);
  });

  describe('one holder, and a checkpoint of its own', () => {
    it('runs on one host at a time, and on another from the checkpoint when the first is gone', async () => {
      await using bench = await open();
      await bench.add(['t/a', 't/b', 't/c', 't/d'].map((key, index) => line('BORN', key, at(index + 1))));
      await settle(bench);
      await bench.exec('DELETE FROM governance_candidate_state');
      const id = await begin(bench);
      const later = () => new Date(Date.now() + 60_000).toISOString();
      const [first, second, late] = [bench.replayer('first', clock), bench.replayer('second', clock), bench.replayer('second', later)];
      expect(await first.step(id, 1)).toEqual({ kind: 'applied', rows: 1, mended: { candidates: 1, events: 0, changes: 0 } });
      expect(await second.step(id, 1)).toEqual({ kind: 'standby' });
      expect(await rowOf(bench, id)).toMatchObject({ position: 1, rows_read: 1 });
      expect(await late.step(id, 10)).toMatchObject({ kind: 'applied', rows: 3 });
      // The first comes back from wherever it was: it has lost the lease, and its batch is nothing.
      expect(await first.step(id, 1)).toEqual({ kind: 'standby' });
      expect(await rowOf(bench, id)).toMatchObject({ position: 4, rows_read: 4, mended_candidates: 4 });
      for (const each of [first, second, late]) await each.rest();
    });

    it('does nothing once it is stopped, and waits where the tail was rewound', async () => {
      await using bench = await open();
      await bench.add([line('BORN', 't/a', at(1)), line('RETIRED', 't/a', at(2))]);
      await settle(bench);
      const id = await begin(bench);
      await bench.rewind();
      await bench.exec('DELETE FROM governance_candidate_state');
      const replayer = bench.replayer('one', clock);
      expect(await replayer.step(id, 10)).toEqual({ kind: 'waiting' });
      await settle(bench);
      await bench.exec(`UPDATE handoff_replay SET status = 'stopped' WHERE replay_id = '${id}'`);
      expect(await replayer.step(id, 10)).toEqual({ kind: 'standby' });
      expect(await rowOf(bench, id)).toMatchObject({ position: 0, rows_read: 0 });
      await replayer.rest();
    });
  });
}
