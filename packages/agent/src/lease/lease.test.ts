import { holdLease, releaseLeases } from '@govctl/core/lease';
import { expect, it } from 'vitest';
import { testJournal } from '../journal/journal.fixture.ts';

it('a lease is for one until it expires; one from a time before the clock was set back keeps nobody away', async () => {
  const at = testJournal();
  const start = Date.parse('2026-11-27T12:00:00.000Z');
  const holds = async (holder: string, seconds: number) => {
    const unit = {
      label: 'test',
      changes: [holdLease('reactor', holder, new Date(start + seconds * 1000).toISOString())],
      records: [],
      events: [],
    };
    return (await at.journal.commit(unit)).ok;
  };
  try {
    expect(await holds('a', 0)).toBe(true);
    expect(await holds('b', 9)).toBe(false);
    expect(await holds('b', 10)).toBe(true);
    // Clocks of two hosts may differ.
    expect(await holds('a', -30)).toBe(false);
    expect(await holds('a', -3600)).toBe(true);
    expect(await holds('b', -3599)).toBe(false);
    const changes = releaseLeases('a', new Date(start - 3_599_000).toISOString());
    await at.journal.commit({ label: 'test', changes, records: [], events: [] });
    expect(await holds('b', -3599)).toBe(true);
  } finally {
    at.close();
  }
});
