import { schemaVersion } from '@govctl/core/api';
import { describe, expect, it } from 'vitest';
import { fakeClient, fakeContext } from '../../command.fixture.ts';
import { run } from './quarantine.ts';

const none = { key: undefined, source: undefined, all: false, limit: undefined, cursor: undefined, reason: 'mended', dryRun: false };
const ref = `sha256:${'a'.repeat(64)}`;
const asked = {
  schemaVersion,
  kind: 'HandoffQuarantineRetry' as const,
  dry_run: false,
  asked: 2,
  retrying: 2,
  applied: 0,
  failed: 0,
  waiting: 0,
  items: [],
  paused: false,
  evidence_ref: ref,
};
const nothing = { faulty: 0, waiting: 0, retrying: 0, applied: 0, discarded: 0 };
const faulty = {
  source: 'birth_registry',
  id: 42,
  object_key: 't/bad',
  error: 'born_at is rubbish',
  state: 'faulty' as const,
  attempts: 2,
  first_seen_at: '2026-11-21T03:00:00.000Z',
  last_attempt_at: null,
  resolved_at: null,
  resolved_by: null,
  reason: null,
};

/** A tail that is so far with each look. */
function tail(...looks: (typeof nothing)[]) {
  let look = 0;
  return fakeClient({
    'handoff.quarantine-retry': () => asked,
    'handoff.quarantine-list': () => {
      const counts = looks[Math.min(look, looks.length - 1)] ?? nothing;
      look += 1;
      const items = counts.faulty > 0 ? [faulty] : [];
      return { schemaVersion, kind: 'HandoffQuarantineList' as const, items, counts, next_cursor: null };
    },
  });
}

describe('govctl handoff quarantine', () => {
  it('waits for the tail, and ends with 0 when everything was applied', async () => {
    const client = tail({ ...nothing, retrying: 2 }, { ...nothing, applied: 2 });
    const { context } = fakeContext({ client });
    const result = await run(context, { action: 'retry', row: 'birth_registry/42' }, none);
    expect(result).toMatchObject({ document: { applied: 2, failed: 0 } });
    expect(result.exit).toBeUndefined();
    expect(client.calls[0]?.input).toEqual({ body: { source: 'birth_registry', id: 42, reason: 'mended', dry_run: false } });
    expect(client.calls.at(-1)?.input).toEqual({ query: { retry_ref: ref, limit: 100 } });
  });

  it('names what failed again, and ends with findings', async () => {
    const { context, stderr } = fakeContext({ client: tail({ ...nothing, faulty: 1, waiting: 1 }) });
    const result = await run(context, { action: 'retry', row: undefined }, { ...none, source: 'birth_registry' });
    expect(result).toMatchObject({ exit: 'findings', document: { failed: 1, waiting: 1, items: [{ id: 42 }] } });
    expect(stderr()).toContain('birth_registry/42: born_at is rubbish');
  });

  it('does not wait for ever, nor for a tail that is paused', async () => {
    const { context } = fakeContext({ client: tail({ ...nothing, retrying: 2 }), globals: { timeout: 0 } });
    expect(await run(context, { action: 'retry', row: undefined }, { ...none, key: 't/bad' })).toMatchObject({ exit: 'timeout' });
  });

  it.each([
    ['retry', undefined, none],
    ['retry', 'birth_registry/42', { ...none, key: 't/bad' }],
    ['retry', 'birth_registry/0', none],
    ['retry', 'births/1', none],
    ['discard', undefined, { ...none, source: 'birth_registry' as const }],
    ['discard', 'birth_registry/42', { ...none, reason: undefined }],
    ['get', undefined, none],
    ['drop', undefined, none],
  ])('refuses %s %s with a way on, and asks the daemon for nothing', async (action, row, flags) => {
    const client = fakeClient();
    const { context } = fakeContext({ client });
    await expect(run(context, { action, row }, flags)).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('govctl') });
    expect(client.calls).toEqual([]);
  });
});
