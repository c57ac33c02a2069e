import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advance,
  InvariantViolated,
  isEnded,
  isStanding,
  phases,
  runEvents,
  runStatuses,
  type Standing,
  transitionTable,
} from './phase.ts';

describe('run kernel', () => {
  it('only ever reaches standings a phase may have', () => {
    for (const phase of phases) {
      for (const event of runEvents) {
        const next = transitionTable[phase][event];
        if (next !== null) expect(isStanding(next.phase, next.status), `${phase} ${event}`).toBe(true);
      }
    }
  });

  it('cannot finalize without the governance check, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...runEvents), { maxLength: 40 }), (events) => {
        let standing: Standing = { phase: 'CREATED', status: 'queued' };
        let checked = false;
        for (const event of events) {
          try {
            standing = advance(standing, event, '2026-01-01T00:00:00.000Z');
          } catch (error) {
            expect(error).toBeInstanceOf(InvariantViolated);
            continue;
          }
          if (standing.phase === 'GOVERNANCE_CHECK') checked = true;
          if (standing.phase === 'FINALIZING' || standing.phase === 'COMPLETED') expect(checked).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('ends for good', () => {
    for (const phase of phases.filter(isEnded)) {
      for (const event of runEvents) expect(() => advance({ phase, status: 'failed' }, event, 't')).toThrow(InvariantViolated);
    }
  });

  it('knows no standing outside the table', () => {
    expect(isStanding('COMPLETED', 'running')).toBe(false);
    expect(isStanding('NOWHERE', 'running')).toBe(false);
    for (const status of runStatuses) expect(isStanding('CREATED', status)).toBe(status === 'queued');
  });
});
