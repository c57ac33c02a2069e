import { phaseStatuses } from '@govctl/core/run';
import { describe, expect, it } from 'vitest';
import { exitOf } from './outcome.ts';

const decision = (verdict: string) => ({ decision: verdict });

describe('exitOf', () => {
  it('tells an ended run by its outcome, whatever the decision was', () => {
    const of = (phase: 'COMPLETED' | 'FAILED', status: Parameters<typeof exitOf>[0]['status'], verdict: string) =>
      exitOf({ phase, status, decision: decision(verdict) });
    expect(of('COMPLETED', 'succeeded', 'allow')).toBe('ok');
    expect(of('FAILED', 'failed_policy', 'deny')).toBe('deny');
    // A wait that ran out is a deny by time; its gates only deferred.
    expect(of('FAILED', 'failed_policy', 'defer')).toBe('deny');
    expect(of('FAILED', 'cancelled', 'defer')).toBe('failed');
    expect(of('FAILED', 'pending_audit', 'allow')).toBe('failed');
    expect(of('FAILED', 'failed', 'allow')).toBe('failed');
    expect(of('FAILED', 'retry', 'allow')).toBe('failed');
  });

  it('tells an open run by its decision as far as it is known', () => {
    expect(exitOf({ phase: 'GOVERNANCE_CHECK', status: 'deferred', decision: decision('defer') })).toBe('defer');
    expect(exitOf({ phase: 'CREATED', status: 'queued', decision: null })).toBe('defer');
    expect(exitOf({ phase: 'FINALIZING', status: 'incomplete', decision: decision('allow') })).toBe('ok');
  });

  it('never says ok of a run that failed', () => {
    for (const status of phaseStatuses.FAILED) {
      for (const verdict of ['allow', 'deny', 'defer'])
        expect(exitOf({ phase: 'FAILED', status, decision: decision(verdict) })).not.toBe('ok');
    }
  });
});
