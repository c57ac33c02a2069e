import type { JobWrites } from '@govctl/core/job';
import type { WriteSql } from '../db/index.ts';

/** One statement per write of jobs, their steps and traces, and of the lock that a run holds over time. */
export const jobWriteSql: Record<keyof JobWrites, WriteSql> = {
  'job.insert': {
    sql: `INSERT INTO job (run_id, tenant_id, workspace, job_kind, source, job_digest, actor, rerun_of)
          VALUES (:run_id, :tenant_id, :workspace, :job_kind, :source, :job_digest, :actor, :rerun_of)`,
    changes: 1,
    guard: 'job-is-new',
  },
  'job.claim': { sql: 'UPDATE job SET host = :host, process = :process WHERE run_id = :run_id', changes: 1, guard: 'job-exists' },
  'job.release': {
    sql: 'UPDATE job SET host = NULL, process = NULL WHERE run_id = :run_id AND process = :process',
    changes: 'any',
    guard: 'job-is-mine',
  },
  'job.produced': {
    sql: 'UPDATE job SET manifest_digest = :manifest_digest, outputs = :outputs WHERE run_id = :run_id AND result_ref IS NULL',
    changes: 1,
    guard: 'job-not-ended',
  },
  'job.stop': {
    sql: `UPDATE job SET stop_asked_at = :stop_asked_at, stop_asked_by = :stop_asked_by, stop_reason = :stop_reason
          WHERE run_id = :run_id AND stop_asked_at IS NULL
            AND EXISTS (SELECT 1 FROM run WHERE run_id = :run_id AND phase NOT IN ('COMPLETED', 'FAILED'))`,
    changes: 1,
    guard: 'job-not-stopped',
  },
  'job.finish': {
    sql: `UPDATE job SET manifest_digest = :manifest_digest, result_ref = :result_ref, outputs = :outputs, host = NULL, process = NULL
          WHERE run_id = :run_id AND result_ref IS NULL AND (:unless_stopped = 0 OR stop_asked_at IS NULL)`,
    changes: 1,
    guard: 'job-not-ended',
  },
  'job-step.insert': {
    sql: `INSERT INTO job_step (run_id, step_index, attempt, name, status, host, process, started_at, ended_at, pid, pid_start, exit_code, signal,
            output_digest, output_bytes, elapsed_ms, cost_units, reason, takeaway, next_action, signals)
          VALUES (:run_id, :step_index, :attempt, :name, :status, :host, :process, :started_at, :ended_at, :pid, :pid_start, :exit_code, :signal,
            :output_digest, :output_bytes, :elapsed_ms, :cost_units, :reason, :takeaway, :next_action, :signals)
          ON CONFLICT DO NOTHING`,
    changes: 1,
    guard: 'attempt-is-new',
  },
  'job-step.spawned': {
    sql: `UPDATE job_step SET pid = :pid, pid_start = :pid_start
          WHERE run_id = :run_id AND step_index = :step_index AND attempt = :attempt AND status = 'running'`,
    changes: 1,
    guard: 'attempt-runs',
  },
  'job-step.end': {
    sql: `UPDATE job_step SET status = :status, ended_at = :ended_at, exit_code = :exit_code, signal = :signal, output_digest = :output_digest,
            output_bytes = :output_bytes, elapsed_ms = :elapsed_ms, cost_units = :cost_units, reason = :reason, takeaway = :takeaway,
            next_action = :next_action, signals = :signals
          WHERE run_id = :run_id AND step_index = :step_index AND attempt = :attempt AND status = 'running'`,
    changes: 1,
    guard: 'attempt-runs',
  },
  'trace.append': {
    sql: `INSERT INTO run_trace (run_id, seq, kind, at, body)
          SELECT :run_id, coalesce((SELECT max(seq) FROM run_trace WHERE run_id = :run_id), 0) + 1, :kind, :at, :body`,
    changes: 1,
    guard: 'trace-appended',
  },
  'job-promotion.insert': {
    sql: 'INSERT INTO job_promotion (job_run_id, run_id) VALUES (:job_run_id, :run_id) ON CONFLICT DO NOTHING',
    changes: 'any',
    guard: 'job-promotion',
  },
  'lock.take': {
    sql: `INSERT INTO lock (lock_key, fence, holder, acquired_at, expires_at) SELECT :lock_key, :expected_fence + 1, :holder, :at, :expires_at
          WHERE :expected_fence = 0 OR EXISTS (SELECT 1 FROM lock WHERE lock_key = :lock_key)
          ON CONFLICT (lock_key) DO UPDATE
          SET fence = lock.fence + 1, holder = excluded.holder, acquired_at = excluded.acquired_at, expires_at = excluded.expires_at
          WHERE lock.fence = :expected_fence AND (lock.holder IS NULL OR lock.holder = :holder OR lock.expires_at <= :at)`,
    changes: 1,
    guard: 'lock-free',
  },
  'lock.renew': {
    sql: 'UPDATE lock SET expires_at = :expires_at WHERE lock_key = :lock_key AND holder = :holder AND fence = :fence',
    changes: 1,
    guard: 'lock-is-mine',
  },
};
