import { describe, expect, it } from 'vitest';
import { type CoverageEvidence, type CursorFact, judgeCoverage, judgeRange, judgeSource, lagSeconds, walksByKey } from './index.ts';

const as_of = '2026-11-21T03:00:00.000Z';
const cursor: CursorFact = {
  source: 'birth_registry',
  shard: 0,
  low_water: 10,
  head: 10,
  fence: 3,
  last_poll_at: '2026-11-21T02:59:58.000Z',
  last_progress_at: null,
  last_settled_at: '2026-11-21T02:59:58.000Z',
  alarm: null,
};
const fine: CoverageEvidence = {
  as_of,
  cursors: [cursor, { ...cursor, source: 'registry_changelog' }],
  lag_rows: 0,
  unannounced_rows: 0,
  quarantine: 0,
  blocker: null,
};
const withCursor = (more: Partial<CursorFact>) => ({ ...fine, cursors: [cursor, { ...cursor, ...more }] });
const alarm = (coverage: 'pruned' | 'drift') => ({ coverage, detail: 'what happened', raised_at: as_of });

describe('coverage', () => {
  it.each([
    ['ok', fine],
    ['ok', withCursor({ last_poll_at: '2026-11-21T02:59:30.000Z' })],
    ['unknown', withCursor({ last_poll_at: '2026-11-21T02:59:29.999Z' })],
    ['unknown', withCursor({ last_poll_at: null })],
    ['unknown', withCursor({ last_poll_at: '2026-11-21T03:00:05.001Z' })],
    ['unknown', withCursor({ last_poll_at: 'rubbish' })],
    ['unknown', { ...fine, cursors: [] }],
    ['unknown', { ...fine, blocker: 'births.db is gone' }],
    ['behind', { ...fine, lag_rows: 1 }],
    ['behind', { ...fine, unannounced_rows: 1 }],
    ['behind', withCursor({ head: 11 })],
    ['behind', withCursor({ unproved_rows: 1 })],
    ['pruned', withCursor({ alarm: alarm('pruned') })],
    [
      'drift',
      {
        ...fine,
        cursors: [
          { ...cursor, alarm: alarm('pruned') },
          { ...cursor, alarm: alarm('drift') },
        ],
      },
    ],
    ['pruned', { ...withCursor({ alarm: alarm('pruned'), last_poll_at: null }), lag_rows: 5 }],
    ['fenced', { ...withCursor({ fence: 4 }), own_fence: 3 }],
    ['ok', { ...fine, own_fence: 3 }],
  ] as const)('is %s', (state, evidence) => expect(judgeCoverage(evidence).state).toBe(state));

  it('counts lag from when nothing was left, not from the births own times', () => {
    expect(lagSeconds(fine)).toBe(0);
    expect(lagSeconds({ ...fine, lag_rows: 2 })).toBe(2);
    expect(lagSeconds({ ...withCursor({ last_settled_at: null }), lag_rows: 2 })).toBeNull();
  });
});

describe('a source', () => {
  const source = { source: 'x', present: true, monotonic: true, head: 10, missing_columns: [] };
  it('is trusted only while its ids cannot come back and its head is not behind the cursor', () => {
    expect(judgeSource(source, 10)).toBeNull();
    expect(judgeSource({ ...source, head: 9 }, 10)?.coverage).toBe('drift');
    expect(judgeSource({ ...source, head: null }, 0)).toBeNull();
    expect(judgeSource({ ...source, head: null }, 1)?.coverage).toBe('drift');
    expect(judgeSource({ ...source, monotonic: false }, 0)?.coverage).toBe('drift');
    expect(judgeSource({ ...source, missing_columns: ['change'] }, 0)?.detail).toContain('change');
  });

  it('has a hole where fewer rows are than ids', () => {
    expect(judgeRange(5, 9, 4)).toBeNull();
    expect(judgeRange(5, 9, 2)).toMatchObject({ coverage: 'pruned', detail: expect.stringContaining('2 of the rows 6 to 9') });
  });

  it('is walked by key only when most of it is backlog', () => {
    expect(walksByKey(1_000_000, 1_000_000)).toBe(true);
    expect(walksByKey(30_000, 1_000_000)).toBe(false);
    expect(walksByKey(500, 500)).toBe(false);
  });
});
