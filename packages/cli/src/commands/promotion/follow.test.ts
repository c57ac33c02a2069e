import { Problem } from '@govctl/core/api';
import type { PromotionDocument } from '@govctl/core/promotion';
import { describe, expect, it } from 'vitest';
import { fakeClient, fakeContext } from '../../command.fixture.ts';
import { follow, unmet } from './follow.ts';
import { factsOf, promotionOf } from './promotion.fixture.ts';

const deferred = promotionOf(factsOf('another run holds the target'));
const done = promotionOf(factsOf('raw to gdp, everything in order'));

/** A daemon whose run goes through these states, the last one for ever; a problem is thrown in its turn. */
function daemon(...states: (PromotionDocument | Problem)[]) {
  let asked = 0;
  return fakeClient({
    'promotion.get': () => {
      const state = states[Math.min(asked, states.length - 1)];
      asked += 1;
      if (state === undefined || state instanceof Problem) throw state;
      return state;
    },
  });
}

async function statesOf(context: Parameters<typeof follow>[0], first: PromotionDocument, timeoutMs?: number) {
  const seen: string[] = [];
  for await (const { promotion, ended } of follow(context, first, timeoutMs)) seen.push(`${promotion.status}${ended ? '!' : ''}`);
  return seen;
}

describe('follow', () => {
  it('asks nothing where the first state is the last', async () => {
    const client = fakeClient();
    expect(await statesOf(fakeContext({ client }).context, done)).toEqual(['succeeded!']);
    expect(client.calls).toEqual([]);
  });

  it('shows each state once, to the end', async () => {
    const later = { ...deferred, next_eligible_at: '2026-11-21T13:00:00.000Z' };
    const client = daemon(deferred, deferred, later, later, done);
    expect(await statesOf(fakeContext({ client }).context, deferred, 60_000)).toEqual(['deferred', 'deferred', 'succeeded!']);
    expect(client.calls).toHaveLength(5);
  });

  it('ends without an end when the time is over', async () => {
    expect(await statesOf(fakeContext({ client: daemon(deferred) }).context, deferred, 250)).toEqual(['deferred']);
  });

  it('outlives a restart of the daemon, and says once that it waits for it', async () => {
    const away = new Problem('not-started', { detail: 'no socket' });
    const { context, stderr } = fakeContext({ client: daemon(away, new Problem('unavailable', { detail: 'starting' }), done) });
    expect(await statesOf(context, deferred, 60_000)).toEqual(['deferred', 'succeeded!']);
    expect(stderr().match(/does not answer/g)).toHaveLength(1);
  });

  it('says what is in the way when the daemon stays away until the time is over', async () => {
    const { context } = fakeContext({ client: daemon(new Problem('not-started', { detail: 'no socket' })) });
    await expect(statesOf(context, deferred, 250)).rejects.toMatchObject({ code: 'not-started' });
  });

  it('does not take a refusal for a restart', async () => {
    const { context } = fakeContext({ client: daemon(new Problem('not-found', { detail: 'no promotion' })) });
    await expect(statesOf(context, deferred, 60_000)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('leaves the run alone on Ctrl-C, and says how to go on watching', async () => {
    const stop = new AbortController();
    const { context } = fakeContext({ client: daemon(deferred), signal: stop.signal });
    setTimeout(() => stop.abort('interrupted'), 150);
    await expect(statesOf(context, deferred)).rejects.toMatchObject({
      code: 'cancelled',
      hint: expect.stringContaining(`govctl promotion watch ${deferred.run_id}`),
    });
  });
});

describe('unmet', () => {
  it('names every gate that waits, why, and when it is asked again', () => {
    const text = unmet(promotionOf(factsOf('stale, locked and missing objects at once')));
    for (const code of ['single-writer', 'freshness', 'snapshot']) expect(text).toContain(`${code} (`);
    expect(text).toContain('asked again at 2026-');
  });
});
