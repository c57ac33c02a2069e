import type { Actor } from '@govctl/core/identity';
import { afterAll, expect, it } from 'vitest';
import { testJournal } from '../journal/journal.fixture.ts';
import { deferredState, keepDeferred } from './deferred-run.fixture.ts';
import { promotionHandlers } from './handler.ts';
import type { PromotionDependencies } from './judge.ts';

const at = testJournal();
afterAll(() => at.close());

const actor: Actor = {
  actor_id: 'HUMAN::ada',
  source_type: 'HUMAN',
  authenticated_by: 'api-key:test',
  grants: [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }],
};

/** Cancels a run that is asked again, by itself, between each of the first `moves` readings and the commit. */
async function cancelled(run_id: string, moves: number) {
  keepDeferred(at.handle, run_id, JSON.stringify(deferredState));
  let left = moves;
  const deps = {
    database: at.database,
    journal: {
      commit: (unit: Parameters<typeof at.journal.commit>[0]) => {
        if (left > 0) at.handle.prepare('UPDATE run SET revision = revision + 1 WHERE run_id = ?').run(run_id);
        left -= 1;
        return at.journal.commit(unit);
      },
    },
    answers: { answer: async (row: { status: string }) => row },
    deployment: { environment: 'local_parity', service_release_id: 'test' },
    randomHex: (bytes: number) => 'a'.repeat(bytes * 2),
    now: () => '2026-11-27T12:00:00.000Z',
  } as unknown as PromotionDependencies;
  const context = { params: { run_id }, body: { reason: 'wrong snapshot' }, actor, now: deps.now() };
  return await promotionHandlers(deps)['promotion.cancel'](context as never);
}

it('cancels a run also when it is asked again by itself at that moment', async () => {
  expect(await cancelled('moved-twice', 2)).toMatchObject({ status: 'cancelled' });
  expect(at.handle.prepare("SELECT phase, status FROM run WHERE run_id = 'moved-twice'").get()).toEqual({
    phase: 'FAILED',
    status: 'cancelled',
  });
});

it('says so when the run does not stand still', async () => {
  await expect(cancelled('restless', 100)).rejects.toMatchObject({ code: 'conflict' });
});
