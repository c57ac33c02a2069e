import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ack } from '@govctl/core/audit';
import type { Unit } from '@govctl/core/journal';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '../db/index.ts';
import { undoneSagas } from './undone.ts';
import { undoneFile } from './undone-file.ts';

const at = '2026-11-26T12:00:00.000Z';
const ack = (action: string, result_id: string | null): Ack => ({ domain: 'store', action, result_id, error: null, observed: null, at });
const trace = ack('start_trace', 'trace-1');
const row = { run_id: 'run-1', tenant_id: 'default', dataset_id: 'orders', to_layer: 'GDP' };
const planned = { row, state: { acks: [trace, ack('promote', 'orders/GDP/4'), ack('append', 'ref-1')] } };

/** What every run keeps beside its acks. */
const kept = {
  reply_format: 1,
  trace_id: 'trace-1',
  authorization_decision: { outcome: 'allowed', actor_id: 'SYSTEM::etl', authenticated_by: 'apikey' },
  phases: [{ phase: 'COMPLETED', status: 'succeeded', event: 'finalize', at }],
  segments: [],
  expectations: [],
};

const logger = pino({ level: 'silent' });
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-undone-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A daemon: what stands in the run's row, if it is there; how often a commit fails first; whether a unit fails in its life. */
function sagas(stored: readonly Ack[] | null, failures = 0, known: readonly Ack[] = [], fails = true) {
  const written: Unit[] = [];
  const database = {
    read: async () => [stored === null ? [] : [{ state: JSON.stringify({ ...kept, acks: stored }) }], known],
  } as unknown as Database;
  let left = failures;
  const undone = undoneSagas({
    database,
    journal: {
      async commit(unit) {
        left -= 1;
        if (left >= 0) throw new Error('the disk is full');
        written.push(unit);
        return { ok: true, committed: { records: [], committed_at: at }, proof: { checkpoint: null, prove: () => [] } };
      },
    },
    file: undoneFile(join(folder, 'undone.json'), logger),
    now: () => at,
    environment: 'test',
    logger,
  });
  if (fails) undone.note(planned as unknown as Parameters<typeof undone.note>[0], [trace], new Error('the disk is full'));
  return { undone, written };
}

it('a unit that could not be written leaves its acks, as rolled back, in a second one', async () => {
  const { undone, written } = sagas(null);
  expect(await undone.record()).toBe(1);
  expect(written.flatMap(({ changes }) => changes)).toMatchObject(
    ['promote', 'append'].map((action) => ({
      write: 'audit-ack.insert',
      values: {
        run_id: 'run-1',
        action,
        status: 'ROLLED_BACK',
        rollback_reason: 'the disk is full',
        metadata: JSON.stringify({ rollback_phase: 'commit', rollback_success: true }),
      },
    })),
  );
  // Of the store that did not move after all, others hear too.
  expect(written.flatMap(({ events }) => events)).toMatchObject([
    { type: 'store.promotion.failed', run_id: 'run-1', dataset_id: 'orders', layer: 'GDP', data: { reason: 'the disk is full' } },
  ]);
  expect(await undone.record()).toBe(0);
});

it('keeps them until they can be written', async () => {
  const { undone, written } = sagas(null, 2);
  expect([await undone.record(), await undone.record(), await undone.record()]).toEqual([0, 0, 1]);
  expect(written).toHaveLength(1);
});

it('says nothing of a commit whose answer was lost and that happened after all', async () => {
  const { undone, written } = sagas(planned.state.acks);
  expect(await undone.record()).toBe(0);
  expect(written).toEqual([]);
});

it('is not silenced by a later attempt that did the same, before it could be recorded', async () => {
  const later = planned.state.acks.map((one) => ({ ...one, at: '2026-11-26T12:00:01.000Z' }));
  const { undone, written } = sagas(later);
  expect(await undone.record()).toBe(1);
  expect(written.flatMap(({ changes }) => changes)).toMatchObject(['promote', 'append'].map((action) => ({ values: { action } })));
});

it('outlives the daemon that could not write it, and is told once', async () => {
  expect(await sagas(null, 1).undone.record()).toBe(0);
  const next = sagas(null, 0, [ack('promote', 'orders/GDP/4')], false);
  expect(await next.undone.record()).toBe(1);
  // The daemon before ended after the one was in the database: only the other is missing.
  expect(next.written.flatMap(({ changes }) => changes)).toMatchObject([{ values: { action: 'append' } }]);
  expect(await sagas(null, 0, [], false).undone.record()).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

it('puts aside what it cannot read, and starts', async () => {
  writeFileSync(join(folder, 'undone.json'), '[{');
  expect(await sagas(null, 0, [], false).undone.record()).toBe(0);
  expect(readdirSync(folder)).toEqual(['undone.json.unreadable']);
});
