import { candidateDecisionDocument, handoffLagDocument } from '@govctl/core/api';
import { describe, expect, it } from 'vitest';
import { HandlerBench, person, service } from './handler.fixture.ts';
import { settle } from './handoff.fixture.ts';
import { TailLoop } from './tail-loop.ts';

const key = 'dot_tools/crm';
const line = { change: 'BORN' as const, object_key: key, object_type: 'dot_tools', born_at: '2026-11-20T10:00:00.000001Z' };

/** Asks about one candidate. */
class CandidateBench extends HandlerBench {
  async tryActivate(how: 'candidate.activate' | 'candidate.evaluate' = 'candidate.activate') {
    return candidateDecisionDocument.parse(await this.handlers[how]({ ...this.context(), body: { object_key: key } }));
  }

  async authorize(scope = '*', actor = person) {
    return await this.handlers['ospa.authorize']({ ...this.context(actor), body: { scope, reason: 'approved' } });
  }
}

function captured(): CandidateBench {
  const bench = new CandidateBench();
  bench.permit();
  bench.add([line]);
  const tail = bench.tail();
  tail.start();
  settle(tail);
  return bench;
}

it('proves little by itself when asked for the state: of a large backlog it counts, and is behind until the tail has proved it', async () => {
  using bench = new HandlerBench();
  bench.permit();
  const births = 12_000;
  bench.add(Array.from({ length: births }, (_, at) => ({ ...line, object_key: `dot_tools/${at}` })));
  const tail = bench.tail();
  tail.start();
  tail.step(1);
  expect(await bench.status()).toMatchObject({ coverage: 'behind', lag_rows: births - 1 });
  for (let step = tail.step(20_000); step.kind === 'applied'; step = tail.step(20_000)) if (step.settled) break;
  expect(await bench.status()).toMatchObject({
    coverage: 'behind',
    lag_rows: 0,
    reason: `${births - 5000} rows of birth_registry were read, and are being proved`,
    cursor: { birth_registry: { unproved_rows: births - 5000 } },
  });
  for (let step = tail.step(20_000); step.kind === 'idle' && step.proving === true; step = tail.step(20_000));
  expect(await bench.status()).toMatchObject({ coverage: 'ok', lag_rows: 0, cursor: { birth_registry: { unproved_rows: 0 } } });
});

describe('activation of a candidate', () => {
  it('is deferred at OSPA 0, allowed from 1 on, recorded both times, and done once', async () => {
    using bench = captured();
    expect(await bench.tryActivate()).toMatchObject({ decision: 'defer', waiting_on: ['ospa'], dry_run: false });
    await bench.authorize();
    const done = await bench.tryActivate();
    expect(done).toMatchObject({ decision: 'allow', leaf_index: 2, tree_size: 3, already: false });
    expect(bench.rows('SELECT state, dirty, decision_ref FROM governance_candidate_state')).toEqual([
      { state: 'activated', dirty: 0, decision_ref: done.decision_ref },
    ]);
    expect(await bench.tryActivate()).toMatchObject({ decision: 'allow', already: true, decision_ref: done.decision_ref });
    expect(bench.facts()).toEqual([
      { fact: 'candidate.refuse', subject: `candidate/${key}` },
      { fact: 'ospa.authorize', subject: expect.stringMatching(/^ospa\//) },
      { fact: 'candidate.activate', subject: `candidate/${key}` },
    ]);
  });

  it('answers a dry run with the same decision digest, and writes nothing', async () => {
    using bench = captured();
    await bench.authorize();
    // Grows with every commit of any other connection.
    const before = bench.govd.pragma('data_version');
    const dry = await bench.tryActivate('candidate.evaluate');
    expect(dry).toMatchObject({ decision: 'allow', dry_run: true });
    expect(dry.decision_ref).toBeUndefined();
    expect(bench.govd.pragma('data_version')).toEqual(before);
    expect((await bench.tryActivate()).decision_digest).toBe(dry.decision_digest);
  });

  it('fails closed while the tail is silent, behind, blocked or alarmed; births go on', async () => {
    using bench = captured();
    await bench.authorize();
    bench.clock.advance(31_000);
    expect((await bench.tryActivate()).waiting_on).toEqual(['coverage']);
    const tail = bench.tail();
    tail.start();
    tail.step(10);
    bench.blocker = 'births.db is gone';
    expect((await bench.tryActivate()).waiting_on).toEqual(['coverage']);
    bench.blocker = null;
    bench.add([{ ...line, object_key: 'dot_tools/new' }]);
    expect((await bench.tryActivate()).gates.find((gate) => gate.code === 'coverage')?.reason_code).toBe('coverage-behind');
    settle(tail);
    bench.govd.exec(`UPDATE handoff_cursor SET alarm = '{"coverage":"pruned","detail":"x","raised_at":"2026-11-21T03:00:00.000Z"}'`);
    expect((await bench.tryActivate()).gates.find((gate) => gate.code === 'coverage')?.reason_code).toBe('coverage-pruned');
    expect(bench.rows("SELECT 1 FROM governance_candidate_state WHERE state = 'activated'")).toEqual([]);
    bench.govd.exec('UPDATE handoff_cursor SET alarm = NULL');
    expect((await bench.tryActivate()).decision).toBe('allow');
  });

  it('never activates what was retired, and asks again when something moved between reading and writing', async () => {
    using bench = captured();
    await bench.authorize();
    const commit = bench.journal.commit.bind(bench.journal);
    let moved = false;
    bench.journal.commit = async (unit) => {
      // Retired and seen by the tail after the facts were read, before the unit is written.
      if (!moved && unit.label === 'candidate.activate') {
        moved = true;
        bench.add([{ ...line, change: 'RETIRED', born_at: '2026-11-20T11:00:00.000000Z' }]);
        const tail = bench.tail();
        tail.start();
        settle(tail);
      }
      return commit(unit);
    };
    expect((await bench.tryActivate()).decision).toBe('deny');
    expect(moved).toBe(true);
    expect(bench.rows('SELECT state FROM governance_candidate_state')).toEqual([{ state: 'captured' }]);
  });

  it('counts an authorization of another object as none', async () => {
    using bench = captured();
    await bench.authorize('dot_tools/other');
    expect((await bench.tryActivate()).waiting_on).toEqual(['ospa']);
    await bench.authorize(key);
    expect((await bench.tryActivate()).decision).toBe('allow');
  });

  it('answers not-found for what was never seen', async () => {
    using bench = new CandidateBench();
    await expect(bench.tryActivate()).rejects.toMatchObject({ code: 'not-found' });
  });
});

it('takes an authorization from a person only', async () => {
  using bench = captured();
  await expect(bench.authorize('*', service)).rejects.toMatchObject({ code: 'forbidden' });
  expect(bench.rows('SELECT * FROM governance_build_authorization')).toEqual([]);
});

describe('activation of the event type', () => {
  it('is recorded, keeps a candidate from activation until its events are delivered, and repeats nothing', async () => {
    using bench = captured();
    await bench.authorize();
    const call = () =>
      bench.handlers['handoff.type-activate']({ ...bench.context(), params: { event_type: 'handoff.object_born' }, body: {} });
    expect(await call()).toMatchObject({ activated: true, pending: 1, evidence_ref: expect.stringMatching(/^sha256:/) });
    expect(await call()).toMatchObject({ activated: false, evidence_ref: null });
    expect((await bench.tryActivate()).waiting_on).toEqual(['pending-events']);
    const tail = bench.tail();
    tail.start();
    settle(tail);
    expect(bench.events()).toHaveLength(1);
    expect((await bench.tryActivate()).decision).toBe('allow');
  });
});

describe('status, alarms and the way back', () => {
  it('goes from drift over resume to ok, having read everything again', async () => {
    using bench = captured();
    bench.birthsHandle.exec('DELETE FROM birth_registry; DELETE FROM registry_changelog; DELETE FROM sqlite_sequence');
    bench.add([{ ...line, object_key: 'dot_tools/later' }]);
    bench.birthsHandle.exec("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'x'");
    bench.birthsHandle.exec('DELETE FROM sqlite_sequence');
    const tail = bench.tail();
    tail.start();
    expect(await bench.status()).toMatchObject({ coverage: 'drift' });
    bench.birthsHandle.exec("INSERT INTO sqlite_sequence (name, seq) VALUES ('birth_registry', 1), ('registry_changelog', 1)");
    const resume = () => bench.handlers['handoff.resume']({ ...bench.context(), body: { reason: 'restored' } });
    expect(await resume()).toMatchObject({ resumed: true, accepted: [{ coverage: 'drift' }, { coverage: 'drift' }] });
    expect(await resume()).toMatchObject({ resumed: false });
    settle(tail);
    expect(await bench.status()).toMatchObject({ coverage: 'ok', lag_rows: 0 });
    expect(handoffLagDocument.parse(await bench.handlers['handoff.lag'](bench.context()))).toMatchObject({
      births: 1,
      lag_rows: 0,
      unannounced_rows: 0,
    });
    expect(bench.rows('SELECT object_key FROM governance_candidate_state')).toHaveLength(2);
  });

  it('says stale once while the tail cannot work, and recovered when it can', async () => {
    using bench = captured();
    const tail = bench.tail();
    const loop = new TailLoop({
      tail,
      journal: bench.journal,
      environment: 'local_parity',
      now: bench.clock.now,
      busy: () => false,
      jitter: () => 0.5,
    });
    await loop.round();
    bench.govd.exec('ALTER TABLE event_pending RENAME TO hidden');
    for (let round = 0; round < 4; round += 1) {
      bench.clock.advance(20_000);
      await expect(loop.round()).rejects.toThrow();
    }
    expect(loop.blocker).toMatch(/cannot read or write/);
    bench.govd.exec('ALTER TABLE hidden RENAME TO event_pending');
    await loop.round();
    expect(loop.blocker).toBeNull();
    expect(bench.events().map((event) => event.type)).toEqual(['handoff.stale', 'handoff.recovered']);
  });
});
