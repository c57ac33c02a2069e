import { generateKeyPairSync } from 'node:crypto';
import { hear, noAlerts } from '@govctl/core/alert';
import type { ParkedEvent } from '@govctl/core/event';
import { ed25519Signer } from '@govctl/core/evidence';
import type { Change } from '@govctl/core/journal';
import { holdLease } from '@govctl/core/lease';
import { describe, expect, it } from 'vitest';
import { postgresAvailability } from '../../../../test/postgres/binaries.ts';
import { compareStanding } from '../alert/standing.ts';
import { alertsOf, busyTenants, changesOf, firingAmong } from '../alert/tenant.ts';
import { PostgresReader } from '../db/index.ts';
import { testDatabase } from '../db/postgres.fixture.ts';
import { inInbox, laneByName, parkedCounts, parkedEvents, waitingIn } from '../event/lane/queries.ts';
import { alarmedSources } from '../handoff/tail-alarm-standing.ts';
import { PostgresJournal } from '../journal/journal.postgres.ts';
import { downReceivers } from '../webhook/receiver-alert.ts';

const postgres = postgresAvailability();
const at = '2026-11-26T12:00:00.000Z';

describe.skipIf(postgres.skip)(`lanes and alerts on PostgreSQL${postgres.note}`, () => {
  it('every statement does there what it does on SQLite', async () => {
    const database = await testDatabase('lanes');
    const session = database.session({ pipeline: true });
    const reader = new PostgresReader(database.daemon, 2);
    const journal = await PostgresJournal.open({
      session,
      schema: 'govctl',
      signer: ed25519Signer(generateKeyPairSync('ed25519').privateKey),
      seal: { refusal: () => null, seal: () => 'unsigned' },
      now: () => at,
      continues: async () => null,
    });
    const commit = async (...changes: Change[]) => (await journal.commit({ label: 'test', changes, records: [], events: [] })).ok;
    try {
      const lane = { lane: 'webhook', consumer: 'ops' } as const;
      expect(await commit({ write: 'lane.open', values: { ...lane, position: 3, at } })).toBe(true);
      expect(await commit({ write: 'lane.open', values: { ...lane, position: 9, at } })).toBe(true);
      expect(await commit({ write: 'lane.move', values: { ...lane, expected: 3, position: 5, at } })).toBe(true);
      expect(await commit({ write: 'lane.move', values: { ...lane, expected: 3, position: 6, at } })).toBe(false);
      expect(await commit({ write: 'lane.beat', values: { ...lane, at } })).toBe(true);
      expect((await reader.read([laneByName(lane)]))[0]).toEqual([{ ...lane, position: 5, moved_at: at, heartbeat_at: at }]);

      expect(await commit(holdLease('webhook', 'a', at))).toBe(true);
      expect(await commit(holdLease('webhook', 'b', at))).toBe(false);
      expect(await commit(holdLease('webhook', 'b', '2026-11-26T11:00:00.000Z'))).toBe(true);

      const row: ParkedEvent = {
        ...lane,
        position: 4,
        event_id: '2.0',
        event_type: 'run.failed',
        subject: 'run/r',
        tenant_id: 'default',
        dataset_id: null,
        state: 'waiting',
        attempts: 1,
        next_attempt_at: at,
        parked_at: at,
        last_error: 'it answered 500',
      };
      await commit({ write: 'lane.park', values: { rows: JSON.stringify([row, { ...row, position: 5, event_id: '2.1' }]) } });
      await commit({ write: 'lane.park', values: { rows: JSON.stringify([{ ...row, state: 'dead', next_attempt_at: null }]) } });
      expect((await reader.read([waitingIn({ ...lane, limit: 10 })]))[0]).toMatchObject([{ position: 5, dataset_id: null }]);
      expect((await reader.read([parkedEvents({ lane: null, event_id: '2.0', state: 'dead', limit: 10 })]))[0]).toHaveLength(1);
      await commit({ write: 'lane.unpark', values: { ...lane, positions: '[5]' } });
      expect((await reader.read([parkedCounts({})]))[0]).toEqual([{ ...lane, state: 'dead', events: 1 }]);

      const mark = { source: 's', events: JSON.stringify([{ event_id: '2.0', consumer: 'h' }]), at };
      expect(await commit({ write: 'inbox.add', values: mark })).toBe(true);
      await expect(commit({ write: 'inbox.add', values: mark })).rejects.toThrow();
      expect((await reader.read([inInbox({ source: 's', ids: '["2.0","2.1"]' })]))[0]).toEqual([{ event_id: '2.0', consumer: 'h' }]);

      const scope = {
        domain: 'runs',
        severity: 'high',
        fix: null,
        parent_key: null,
        dataset_id: null,
        run_id: null,
        event_id: null,
      } as const;
      const settings = { enabled: true, dedup_window_ms: 60_000, per_hour: 9, cooldowns_ms: {}, sinks: ['log'], expire_after_ms: 1e9 };
      const before = { ...noAlerts, revision: 0 };
      const after = hear(before, [{ state: 'firing', alert_key: 'k', summary: 'x', at, ...scope }], settings, at);
      expect(await commit(...changesOf('default', before, after))).toBe(true);
      // Somebody who read before that changes nothing.
      expect(await commit(...changesOf('default', before, after))).toBe(false);
      const stored = await alertsOf(reader, 'default');
      expect(stored).toMatchObject({ revision: 1, tenant: { overflow: 0 } });
      expect(stored.alerts.get('k')).toMatchObject({ state: 'firing', notice: 'firing', owed: ['log'] });
      expect((await reader.read([busyTenants({}), firingAmong({ tenant_id: 'default', keys: '["k","l"]' })])).flat()).toEqual([
        { tenant_id: 'default' },
        { alert_key: 'k' },
      ]);
      const standing = [alarmedSources(reader, () => at), downReceivers(reader, ['ops'], () => at)];
      const deps = { database: reader, journal, settingsOf: () => settings, now: () => at };
      expect(await compareStanding(deps, standing)).toBe(0);
      await database.query(
        `UPDATE govctl.handoff_cursor SET alarm = '{"coverage":"pruned","detail":"x"}' WHERE source = 'registry_changelog'`,
      );
      expect(await compareStanding(deps, standing)).toBe(1);
      const alarmed = await alertsOf(reader, 'default');
      expect(alarmed.alerts.get('handoff.alarm/registry_changelog')).toMatchObject({ state: 'firing', severity: 'high' });
      expect(await commit(...changesOf('default', alarmed, noAlerts))).toBe(true);
      expect((await alertsOf(reader, 'default')).alerts.size).toBe(0);
    } finally {
      await reader.close();
      await session.close();
      await database.close();
    }
  });
});
