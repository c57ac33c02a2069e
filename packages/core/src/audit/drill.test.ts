import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Transition } from '../run/phase.ts';
import { type Ack, declareExpectations, settle } from './expectation.ts';
import { type AuditedRun, auditRun, markMissing, overdueRuns, owedMs, rolledBack } from './owed.ts';

// The destructive test of the source (13.7), by its names: what a run says when its worker is killed at each point.
const start = Date.parse('2026-01-20T12:00:00.000Z');
const time = (ms: number) => new Date(start + ms).toISOString();
const running: Transition[] = [
  { phase: 'CREATED', status: 'queued', event: 'request', at: time(0) },
  { phase: 'AUTHORIZED', status: 'queued', event: 'authorize', at: time(0) },
  { phase: 'EXECUTING', status: 'running', event: 'start', at: time(0) },
];
const done: Transition[] = [...running, { phase: 'COMPLETED', status: 'succeeded', event: 'commit', at: time(900) }];
const ack = (domain: string, action: string, more: Partial<Ack> = {}): Ack => ({
  domain,
  action,
  result_id: null,
  error: null,
  observed: null,
  at: time(100),
  ...more,
});
const incident = ack('incidents', 'create_incident');
const policy = ack('policies', 'evaluate_policy');
const trace = ack('logs', 'start_trace');
const finalize = ack('orchestrator', 'finalize_run');
const run = (acks: readonly Ack[], phases: readonly Transition[] = running, run_id = 'run-1'): AuditedRun => ({
  run_id,
  phases,
  acks,
  expectations: settle(declareExpectations('job', 35_000), acks),
});
const afterAll = time(60_000);

describe('worker crash, stale detection', () => {
  it('normal run completion: COMPLETE with four acks', () => {
    expect(auditRun(run([incident, policy, trace, finalize], done), afterAll)).toMatchObject({
      status: 'COMPLETE',
      missing_actions: [],
      drift_actions: [],
      stale_run: false,
      is_clean: true,
    });
  });

  it('worker crash (no acks): STALE, 4 missing', () => {
    const audit = auditRun(run([]), afterAll);
    expect(audit).toMatchObject({ status: 'STALE', stale_run: true, is_clean: false });
    expect(audit.missing_actions).toHaveLength(4);
  });

  it('worker crash (partial acks): STALE, 2 missing, trace and finalize', () => {
    const audit = auditRun(run([incident, policy]), afterAll);
    expect(audit).toMatchObject({ status: 'STALE', missing_actions: ['logs/start_trace', 'orchestrator/finalize_run'] });
  });

  it('finalize not acked (liveness check): STALE, only finalize_run missing', () => {
    const audit = auditRun(run([incident, policy, trace]), afterAll);
    expect(audit).toMatchObject({ status: 'STALE', missing_actions: ['orchestrator/finalize_run'] });
    expect(audit.findings.map((finding) => finding.class)).toEqual(['missing', 'stale']);
  });

  it('multiple stale runs detection (batch): 3 of 5', () => {
    const all = [incident, policy, trace, finalize];
    const batch = [
      run(all, done, 'a'),
      run([], running, 'b'),
      run([incident], running, 'c'),
      run(all, done, 'd'),
      run([trace], running, 'e'),
    ];
    expect(overdueRuns(batch, afterAll)).toMatchObject(['b', 'c', 'e'].map((run_id) => ({ run_id, stale: true })));
  });

  it('rollback ack preserves audit trail: its acks stay visible with rolled_back, and settle nothing', () => {
    const why = {
      reason: 'Transaction rollback due to downstream failure',
      phase: 'transaction_coordinator',
      success: true,
      at: time(500),
    };
    const undone = rolledBack([ack('policies', 'evaluate_policy', { result_id: 'decision-1' })], why);
    expect(undone).toEqual([
      expect.objectContaining({
        action: 'evaluate_policy',
        result_id: 'decision-1',
        status: 'ROLLED_BACK',
        rolled_back: true,
        rollback_reason: why.reason,
        metadata: { rollback_phase: 'transaction_coordinator', rollback_success: true },
      }),
    ]);
    const audit = auditRun(run([trace, ...undone]), afterAll);
    expect(audit.missing_actions).toContain('policies/evaluate_policy');
    expect(audit.drift_actions).toEqual([]);
  });
});

describe('what a run owes', () => {
  it('not before its deadline, and not while it is queued, deferred or paused', () => {
    expect(auditRun(run([]), time(4_999))).toMatchObject({ status: 'INCOMPLETE', is_clean: true });
    const paused: Transition[] = [...running, { phase: 'EXECUTING', status: 'paused', event: 'pause', at: time(2_000) }];
    expect(owedMs(paused, time(3_600_000))).toBe(2_000);
    expect(auditRun(run([], paused), time(3_600_000)).is_clean).toBe(true);
  });

  it('is marked, and settled all the same by an ack that comes late', () => {
    const { expectations, ...late } = run([incident, policy, trace]);
    const marked = markMissing(expectations, auditRun({ ...late, expectations }, afterAll).findings);
    expect(marked.map(({ status }) => status)).toEqual(['ACKED', 'ACKED', 'ACKED', 'MISSING']);
    expect(auditRun({ ...late, expectations: marked }, afterAll).status).toBe('STALE');
    const acks = [...late.acks, finalize];
    expect(auditRun({ ...late, phases: done, acks, expectations: settle(marked, acks) }, afterAll)).toMatchObject({
      status: 'COMPLETE',
      is_clean: true,
    });
  });

  it('finds the other classes: drift, invalid, failed', () => {
    const odd = run([trace, trace, ack('billing', 'charge'), ack('policies', 'evaluate_policy', { error: 'engine away' })]);
    const expectations = [...odd.expectations, { domain: 'store', action: 'promote', deadline_ms: null, status: 'PENDING' as const }];
    const classes = auditRun({ ...odd, expectations }, time(10)).findings.map((finding) => [finding.class, finding.action]);
    expect(classes).toEqual([
      ['invalid', 'promote'],
      ['drift', 'start_trace'],
      ['drift', 'charge'],
      ['failed', 'evaluate_policy'],
    ]);
  });

  it('is never less after more time, and whatever the clock does never negative', () => {
    const step = fc.tuple(fc.constantFrom('queued', 'running', 'paused', 'incomplete'), fc.integer({ min: -5_000, max: 5_000 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), fc.nat(100_000), fc.nat(100_000), (steps, now, more) => {
        let at = 0;
        const phases = steps.map(([status, by]) => {
          at += by;
          return { phase: 'EXECUTING', status, event: 'start', at: time(at) } as Transition;
        });
        const owed = owedMs(phases, time(now));
        expect(owed).toBeGreaterThanOrEqual(0);
        expect(owedMs(phases, time(now + more))).toBeGreaterThanOrEqual(owed);
      }),
    );
  });
});
