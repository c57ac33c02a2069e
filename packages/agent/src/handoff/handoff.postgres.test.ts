import { handoffStatusDocument } from '@govctl/core/api';
import type { HandoffWrites } from '@govctl/core/handoff';
import type { Actor } from '@govctl/core/identity';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresReader, type SqlParams, textFor } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { loopWatch } from '../loop/loop-watch.ts';
import { makeTemplate, PostgresBench, settlePostgres } from './handoff-postgres.fixture.ts';
import { openPostgresHandoff } from './open.postgres.ts';
import { testPermitKey } from './permit/seal.fixture.ts';
import { startTestServer, type TestServer } from './postgres-server.fixture.ts';
import { handoffWriteSql } from './write-sql.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await makeTemplate(server);
});
afterAll(async () => {
  await server?.stop();
});

const key = 'dot_tools/crm';
const line = { change: 'BORN' as const, object_key: key, object_type: 'dot_tools', born_at: '2026-11-20T10:00:00.000001Z' };
const person: Actor = {
  actor_id: 'HUMAN::ada',
  source_type: 'HUMAN',
  authenticated_by: 'api-key:test',
  grants: [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }],
};

/** The statements of the journal, without the journal: each must do what it says, or nothing where its guard does not hold. */
async function write<Name extends keyof HandoffWrites>(bench: PostgresBench, name: Name, values: HandoffWrites[Name]): Promise<boolean> {
  const { sql, changes } = handoffWriteSql[name];
  const session = bench.daemon();
  const { count, rows } = await session.run(textFor('postgres', sql), values as SqlParams);
  return changes === 'any' || (changes === 'row' ? rows.length > 0 : count === changes);
}

async function opened(bench: PostgresBench) {
  const database = new PostgresReader(bench.settings, 4);
  const journal = { commit: () => Promise.reject(new Error('no journal in this test')) } as unknown as Journal;
  const handoff = await openPostgresHandoff({
    postgres: bench.settings,
    database,
    births: { kind: 'embedded', schema: 'births' },
    holder: 'test',
    deployment: { environment: 'local_parity', service_release_id: 'test' },
    journal,
    permitKey: testPermitKey,
    randomHex: (bytes) => 'a'.repeat(bytes * 2),
    jitter: () => 0.5,
    now: () => new Date().toISOString(),
    logger: pino({ level: 'silent' }),
    watch: loopWatch(),
    registry: new Registry(),
    committed: () => {},
  });
  const context = () => ({
    actor: person,
    request_id: 'r',
    now: new Date().toISOString(),
    traceparent: undefined,
    headers: {},
    raw: null as never,
    signal: new AbortController().signal,
    params: undefined,
    query: undefined,
    body: undefined,
  });
  const stop = async () => {
    await handoff.stop();
    await database.close();
  };
  return { handoff, context, stop };
}

describe('the handoff on PostgreSQL', () => {
  it('takes a birth, hands it off, and answers every question about it', async () => {
    await using bench = await PostgresBench.open(server);
    const { handoff, context, stop } = await opened(bench);
    const { handlers } = handoff;
    await handlers['birth.permit']({
      ...context(),
      body: { permit_kind: 'bulk', permit_id: 'b', reason: 'test' } as never,
    });
    await handlers['birth.add']({ ...context(), body: { permit_id: 'b', lines: [line] } as never });
    let status = handoffStatusDocument.parse(await handlers['handoff.status'](context()));
    for (; status.coverage !== 'ok' || status.pending.by_type['handoff.object_born'] !== 1; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      status = handoffStatusDocument.parse(await handlers['handoff.status'](context()));
    }
    expect(status).toMatchObject({
      lag_rows: 0,
      lag_seconds: 0,
      quarantine: 0,
      cursor: { birth_registry: { low_water: 1, head: 1, unread_rows: 0 } },
    });
    expect(await handlers['handoff.lag'](context())).toMatchObject({ births: 1, lag_rows: 0, unannounced_rows: 0 });
    expect(await handlers['candidate.get']({ ...context(), query: { object_key: key } } as never)).toMatchObject({
      status: 'captured',
      dirty: true,
      events: [{ delivery: 'pending' }],
    });
    for (const query of [{}, { status: 'captured' }, { object_type: 'dot_tools' }])
      expect(await handlers['candidate.list']({ ...context(), query: { limit: 5, ...query } } as never)).toMatchObject({
        items: [{ object_key: key }],
      });
    expect(await handlers['candidate.evaluate']({ ...context(), body: { object_key: key } } as never)).toMatchObject({
      decision: 'defer',
      waiting_on: ['ospa'],
    });
    expect(await handlers['handoff.types'](context())).toMatchObject({ items: [{ active: false, pending: 1 }] });
    expect(await handlers['ospa.list'](context() as never)).toMatchObject({ items: [] });
    expect(await handoff.reconcile(new Date().toISOString(), { rows: () => 1, rest: async () => {} })).toEqual({
      findings: [],
      checked: 1,
    });
    expect(await handoff.coverage.factOf(key, new Date().toISOString())).toMatchObject({
      coverage: { state: 'ok', covered: true },
      ospa_count: 0,
    });
    await stop();
    expect(await bench.rows('SELECT 1 FROM handoff_cursor WHERE lease_until IS NOT NULL')).toEqual([]);
  });

  it('says that births are not its to write where the tables are attached', async () => {
    const { attachedBirths } = await import('./births.postgres.ts');
    expect(() => attachedBirths.add([line], '')).toThrow('software that owns the birth tables');
  });
});

describe('the writes that people cause', () => {
  const captured = async (bench: PostgresBench) => {
    await bench.permit();
    await bench.add([line]);
    const tail = bench.tail();
    await tail.start();
    await settlePostgres(tail);
    return tail;
  };
  const activation = async (bench: PostgresBench) => {
    const [row] = await bench.rows<{ sum: number }>('SELECT sum(applied_rows) AS sum FROM handoff_cursor');
    const at = new Date().toISOString();
    return {
      object_key: key,
      born_at: line.born_at,
      changelog_id: 0,
      activated_at: at,
      decision_ref: 'd',
      polled_since: new Date(Date.now() - 30_000).toISOString(),
      low_water_sum: row?.sum ?? -1,
    };
  };
  const ospa = { authorization_id: 'o', scope: '*', reason: 'r', authorized_by: 'HUMAN::ada', authorized_at: 't', evidence_ref: 'e' };

  it('activate a candidate only as it was judged', async () => {
    await using bench = await PostgresBench.open(server);
    const tail = await captured(bench);
    expect(await write(bench, 'candidate.activate', await activation(bench))).toBe(false);
    expect(await write(bench, 'ospa.insert', ospa)).toBe(true);
    expect(await write(bench, 'ospa.insert', ospa)).toBe(false);
    const judged = await activation(bench);
    // Something was applied since, below the newest id: a change that committed late.
    await bench.add([{ ...line, change: 'CHANGED', born_at: '2026-11-20T10:00:00.000002Z' }]);
    await settlePostgres(tail);
    expect(await write(bench, 'candidate.activate', { ...judged, changelog_id: 2 })).toBe(false);
    const now = { ...(await activation(bench)), changelog_id: 2 };
    expect(await write(bench, 'candidate.activate', { ...now, polled_since: '2099-01-01T00:00:00.000Z' })).toBe(false);
    expect(await write(bench, 'candidate.activate', now)).toBe(true);
    expect(await write(bench, 'candidate.activate', now)).toBe(false);
    expect(await bench.rows('SELECT state, dirty FROM governance_candidate_state')).toEqual([{ state: 'activated', dirty: 0 }]);
  });

  it('wait for a batch that is under way before they judge', async () => {
    await using bench = await PostgresBench.open(server);
    await captured(bench);
    await write(bench, 'ospa.insert', ospa);
    const judged = await activation(bench);
    const batch = await bench.connect();
    await batch.query(
      "BEGIN; SELECT 1 FROM govctl.handoff_cursor FOR UPDATE; UPDATE govctl.handoff_cursor SET applied_rows = applied_rows + 1 WHERE source = 'birth_registry'",
    );
    const written = write(bench, 'candidate.activate', judged);
    for (let waits = false; !waits; ) {
      waits =
        (await bench.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'govd test-daemon' AND wait_event_type = 'Lock'"))
          .length > 0;
    }
    await batch.query('COMMIT');
    expect(await written).toBe(false);
  });

  it('activate a type once, resume an alarm by reading everything again after drift only, and tell of a silence once', async () => {
    await using bench = await PostgresBench.open(server);
    const tail = await captured(bench);
    const activate = { event_type: 'handoff.object_born', changed_at: 't', changed_by: 'HUMAN::ada' };
    expect(await write(bench, 'event-type.activate', activate)).toBe(true);
    expect(await write(bench, 'event-type.activate', activate)).toBe(false);
    expect(await write(bench, 'handoff.resume', {})).toBe(false);
    const alarm = (coverage: string) =>
      bench.exec(`UPDATE handoff_cursor SET alarm = '{"coverage":"${coverage}","detail":"x","raised_at":"t"}'`);
    await alarm('pruned');
    expect(await write(bench, 'handoff.resume', {})).toBe(true);
    expect(await bench.cursor()).toMatchObject({ low_water: 1, alarm: null });
    await alarm('drift');
    expect(await write(bench, 'handoff.resume', {})).toBe(true);
    expect(await write(bench, 'candidate.forget-changelog', {})).toBe(true);
    expect(await bench.cursor()).toMatchObject({ low_water: 0, alarm: null });
    await settlePostgres(tail);
    expect(await bench.cursor()).toMatchObject({ low_water: 1, seen: '{}' });
    const stale = { at: new Date().toISOString(), polled_before: '2020-01-01T00:00:00.000Z' };
    expect(await write(bench, 'handoff.mark-stale', stale)).toBe(false);
    const silent = { ...stale, polled_before: '2099-01-01T00:00:00.000Z' };
    expect(await write(bench, 'handoff.mark-stale', silent)).toBe(true);
    expect(await write(bench, 'handoff.mark-stale', silent)).toBe(false);
    bench.skipMs += 4_000;
    await settlePostgres(tail);
    expect((await bench.events()).map((event) => event.type)).toContain('handoff.recovered');
  });

  it('mark, give up and free rows of the quarantine; pause once, and end the pause that was seen', async () => {
    await using bench = await PostgresBench.open(server);
    await captured(bench);
    await bench.exec(
      `INSERT INTO handoff_quarantine (source, id, object_key, "row", error, waits, attempts, first_seen_at) VALUES
       ('birth_registry', 5, 't/bad', '{}', 'x', 0, 1, 't'), ('registry_changelog', 7, 't/bad', '{}', 'x', 1, 1, 't'), ('birth_registry', 6, NULL, '{}', 'x', 0, 1, 't')`,
    );
    const asked = { asked_at: 'now', retry_ref: 'r' };
    const nothing = { source: null, id: null, object_key: null };
    expect(await write(bench, 'handoff.quarantine-retry', { ...nothing, object_key: 't/other', ...asked })).toBe(false);
    expect(await write(bench, 'handoff.quarantine-retry', { ...nothing, source: 'registry_changelog', id: 7, ...asked })).toBe(true);
    expect(await bench.rows('SELECT id FROM handoff_quarantine WHERE retry_asked_at IS NOT NULL ORDER BY 1')).toEqual([
      { id: 5 },
      { id: 7 },
    ]);
    await bench.exec('UPDATE handoff_quarantine SET retry_asked_at = NULL');
    const discard = (source: string, id: number) =>
      write(bench, 'handoff.quarantine-discard', { source, id, resolved_at: 't', resolved_by: 'HUMAN::ada', reason: 'r' });
    expect(await discard('registry_changelog', 7)).toBe(false);
    await write(bench, 'handoff.quarantine-release', { object_key: 't/bad', asked_at: 'now' });
    expect(await bench.rows('SELECT id FROM handoff_quarantine WHERE retry_asked_at IS NOT NULL')).toEqual([]);
    expect(await discard('birth_registry', 5)).toBe(true);
    expect(await discard('birth_registry', 5)).toBe(false);
    await write(bench, 'handoff.quarantine-release', { object_key: 't/bad', asked_at: 'now' });
    expect(await bench.rows('SELECT id FROM handoff_quarantine WHERE retry_asked_at IS NOT NULL')).toEqual([{ id: 7 }]);
    await write(bench, 'handoff.quarantine-reread', { source: 'birth_registry', resolved_at: 't', resolved_by: 'HUMAN::ada' });
    expect(await bench.rows("SELECT id FROM handoff_quarantine WHERE resolution = 'reread' ORDER BY 1")).toEqual([{ id: 5 }, { id: 6 }]);

    const pause = { paused_at: 't1', paused_by: 'HUMAN::ada', pause_reason: 'r' };
    expect(await write(bench, 'handoff.pause', pause)).toBe(true);
    expect(await write(bench, 'handoff.pause', { ...pause, paused_at: 't2' })).toBe(false);
    await write(bench, 'ospa.insert', ospa);
    expect(await write(bench, 'candidate.activate', await activation(bench))).toBe(false);
    expect(await write(bench, 'handoff.unpause', { paused_at: 't2' })).toBe(false);
    expect(await write(bench, 'handoff.unpause', { paused_at: 't1' })).toBe(true);
    expect(await write(bench, 'candidate.activate', await activation(bench))).toBe(true);
  });

  it('prune the embedded changelog, as the daemon: only what is proved, by slices, and never a birth', async () => {
    await using bench = await PostgresBench.open(server);
    const tail = await captured(bench);
    await bench.exec(
      `INSERT INTO births.registry_changelog (object_key, change, born_at)
       SELECT '${key}', 'CHANGED', '2026-11-20T10:00:01.' || lpad(n::text, 6, '0') || 'Z' FROM generate_series(1, 3000) n`,
    );
    await settlePostgres(tail);
    expect(await write(bench, 'handoff.prune-mark', { upto: 3001 })).toBe(false);
    for (let round = 0; round < 4; round += 1) {
      bench.skipMs += 4_000;
      await settlePostgres(tail);
    }
    const survey = await bench.births.survey({ bound: 3001, before: '2026-11-20T10:00:01.002900Z', keep: 50, kept: [10] });
    // The birth and 2899 changes, but not the row of the quarantine.
    expect(survey).toMatchObject({ upto: 2951, rows: 2899, first_id: 1 });
    expect(await write(bench, 'handoff.prune-mark', { upto: survey.upto })).toBe(true);
    const plan = { prune_id: 'p', upto: survey.upto, before_at: null, planned_rows: survey.rows, walked_upto: 0 };
    const said = { reason: 'r', started_at: 't', started_by: 'HUMAN::ada', evidence_ref: 'e' };
    expect(await write(bench, 'handoff.prune-start', { ...plan, ...said })).toBe(true);
    let [after, removed, slices] = [0, 0, 0];
    for (; after < survey.upto; slices += 1) {
      const done = await bench.births.slice({ after, upto: survey.upto, before: '2026-11-20T10:00:01.002900Z', kept: [10] });
      const advance = { prune_id: 'p', from: after, walked_upto: done.walked_upto, removed: done.removed, finished_at: null };
      expect(await write(bench, 'handoff.prune-advance', advance)).toBe(true);
      expect(await write(bench, 'handoff.prune-advance', advance)).toBe(false);
      [after, removed] = [done.walked_upto, removed + done.removed];
    }
    expect([removed, slices]).toEqual([2899, 2]);
    expect(await bench.rows('SELECT removed_rows FROM handoff_prune')).toEqual([{ removed_rows: 2899 }]);
    expect(await bench.rows('SELECT count(*) AS n, min(id) AS low FROM births.registry_changelog')).toEqual([{ n: 102, low: 10 }]);
    await expect(bench.daemon().run('DELETE FROM births.birth_registry')).rejects.toThrow('permission denied');
    await tail.stop();
    await settlePostgres(tail);
    expect(await bench.cursor('registry_changelog')).toMatchObject({ alarm: null, low_water: 3001 });
    expect(await bench.lag()).toEqual({ births: 1, lag_rows: 0, unannounced_rows: 0 });
  });
});
