import type { RunAudit } from '../audit/expectation.ts';
import type { GateAnswer } from '../decision/decision.ts';
import { watchListFor } from '../watch/watch-list.ts';
import type { ManifestStep, ReceiptRun, ReceiptSources } from './source.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const at = (seconds: number) => new Date(Date.parse('2026-11-26T19:44:50.000Z') + seconds * 1000).toISOString();

export const clean: RunAudit = {
  status: 'COMPLETE',
  missing_actions: [],
  drift_actions: [],
  stale_run: false,
  is_clean: true,
  findings: [],
};

export function answer(code: string, outcome: GateAnswer['outcome'], more: Partial<GateAnswer> = {}): GateAnswer {
  return {
    code,
    outcome,
    reason_code: `${code}-${outcome}`,
    expected: null,
    actual: null,
    evidence: [],
    reason: 'it holds',
    resolve: null,
    ...more,
  };
}

export const quality = answer('quality', 'fail', {
  reason_code: 'quality-failed',
  reason: 'unique_orders_id is failed; the score 0.5 is below 0.95',
  expected: 'required checks passed, score >= 0.95',
  actual: '1 of 2 passed, score 0.5',
  resolve: { who: 'whoever tests the data', command: 'govctl quality import dbt run_results.json --snapshot snap-7' },
});

const approvals = answer('approvals', 'defer', {
  reason_code: 'approvals-missing',
  reason: '0 of 2 approvals are given',
  expected: '2 approvals',
  actual: 0,
  resolve: { who: 'whoever may approve', command: 'govctl promotion approve orders-42 --reason TEXT' },
});

const passing = ['actor', 'environment', 'policy-rev', 'bundle-schema', 'pinned-inputs', 'transition', 'snapshot'].map((code) =>
  answer(code, 'pass'),
);
const idle = ['subscription', 'compatibility', 'coverage'].map((code) => answer(code, 'not_required', { reason: 'nobody asked for it' }));

export function decided(gates: readonly GateAnswer[], decision: 'allow' | 'deny' | 'defer'): NonNullable<ReceiptRun['decision']> {
  return {
    decision,
    decided_by: 'policy',
    gates: [...passing, ...gates, ...idle],
    policy_rev: digest('a'),
    kernel_version: '7',
    input_digest: digest('b'),
    valid_from: at(1),
    decision_digest: digest('c'),
  };
}

/** A promotion that went through. */
export function promotedRun(more: Partial<ReceiptRun> = {}): ReceiptRun {
  return {
    run_id: 'orders-42',
    run_kind: 'promotion',
    tenant_id: 'default',
    dataset_id: 'orders',
    from_layer: 'RAW',
    to_layer: 'GDP',
    snapshot_id: 'snap-7',
    phase: 'COMPLETED',
    status: 'succeeded',
    created_at: at(0),
    updated_at: at(2),
    decision: decided([answer('quality', 'pass', { reason: '2 of 2 checks passed' })], 'allow'),
    decision_ref: digest('d'),
    evidence: { ref: digest('e'), leaf_index: 41, tree_size: 42, proof: [], checkpoint: 'log' },
    next_eligible_at: null,
    waiting_on: [],
    reason: null,
    supersedes: null,
    rolls_back: null,
    pending_audit: null,
    policy_rev: digest('a'),
    approvals: [],
    phases: [
      { phase: 'CREATED', status: 'queued', event: 'request', at: at(0) },
      { phase: 'AUTHORIZED', status: 'queued', event: 'authorize', at: at(0) },
      { phase: 'EXECUTING', status: 'running', event: 'start', at: at(1) },
      { phase: 'GOVERNANCE_CHECK', status: 'running', event: 'execution_done', at: at(1) },
      { phase: 'FINALIZING', status: 'running', event: 'allow', at: at(2) },
      { phase: 'COMPLETED', status: 'succeeded', event: 'commit', at: at(2) },
    ],
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    ...more,
  };
}

export function deniedRun(more: Partial<ReceiptRun> = {}): ReceiptRun {
  return promotedRun({ phase: 'FAILED', status: 'failed_policy', decision: decided([quality], 'deny'), ...more });
}

export function deferredRun(more: Partial<ReceiptRun> = {}): ReceiptRun {
  const open = { phase: 'GOVERNANCE_CHECK', status: 'deferred', waiting_on: ['approvals'], next_eligible_at: at(60) } as const;
  return promotedRun({ ...open, decision: decided([approvals], 'defer'), ...more });
}

export function rolledBackRun(more: Partial<ReceiptRun> = {}): ReceiptRun {
  return promotedRun({
    run_kind: 'rollback',
    from_layer: 'GDP',
    rolls_back: 'orders-41',
    reason: 'duplicate orders in the morning load',
    pending_audit: { audit_id: 'audit-3', owner: 'data-platform', due_at: at(86_400) },
    ...more,
  });
}

const done = (step: string, seconds: number): ManifestStep => ({
  step,
  status: 'success',
  started: at(seconds),
  ended: at(seconds + 2.4),
  exit_code: 0,
  output_digest: digest('f'),
});

/** A job of so many steps, the last but one of which was left out. */
export function manifestOf(count: number): NonNullable<ReceiptSources['manifest']> {
  const steps = Array.from({ length: count }, (_, index) => done(`step-${index + 1}`, index * 3));
  const skipped: ManifestStep = {
    step: 'infer',
    status: 'skipped',
    started: null,
    ended: null,
    exit_code: null,
    output_digest: null,
    reason: 'input-wrong-headers',
    takeaway: 'The file has no column for the invoice number, so nothing was inferred from it. The data is untouched.',
    next_action: 'Export the invoices again with the column invoice_number, and submit the job once more.',
  };
  const first: ManifestStep = { ...done('detect', 0), signals: [{ name: 'findings', digest: digest('9'), count: 12 }] };
  return { steps: [first, ...steps.slice(1, -2), skipped, done('report', count * 3)].slice(0, count), digest: digest('8') };
}

export function jobRun(more: Partial<ReceiptRun> = {}): ReceiptRun {
  const job = {
    run_id: 'spend-7',
    run_kind: 'job',
    dataset_id: 'acme-spend',
    from_layer: null,
    to_layer: null,
    snapshot_id: null,
  } as const;
  return promotedRun({ ...job, ...more });
}

export function sourcesOf(run: ReceiptRun, more: Partial<ReceiptSources> = {}): ReceiptSources {
  return {
    run,
    requested_by: 'HUMAN::ana',
    segments: [{ n: 0, policy_rev: digest('a'), config_digest: digest('7'), from: at(0) }],
    owed: 6,
    acknowledged: 6,
    audit: clean,
    deployment: { environment: 'local_parity', service_release_id: '0.1.0', log: 'govd.example/orders' },
    ...more,
  };
}

export const assist = { url: 'https://help.example.com/data?ref=eyJhbGciOiJFZERTQSJ9.e30.c2ln', expires_at: at(259_200) };

const watch = watchListFor({ names: ['supplier invoices of a shop'] });

/** One of every kind of receipt. */
export const everyReceipt: Readonly<Record<string, ReceiptSources>> = {
  promoted: sourcesOf(promotedRun(), { report: { report_id: 12, as_of: at(3600), digest: digest('c') } }),
  denied: sourcesOf(deniedRun(), {
    remote_assist: assist,
    incident: { incident_id: 'incident-00c0ffee00c0ffee', severity: 'medium', state: 'open', error_code: 'denied' },
    lesson: { cause: 'orders RAW -> GDP: denied by quality', next_action: quality.resolve?.command ?? '' },
  }),
  deferred: sourcesOf(deferredRun(), {
    acknowledged: 3,
    audit: { ...clean, status: 'INCOMPLETE' },
  }),
  'rolled-back': sourcesOf(rolledBackRun()),
  cancelled: sourcesOf(
    promotedRun({ phase: 'FAILED', status: 'cancelled', decision: null, evidence: null, decision_ref: null, reason: 'wrong snapshot' }),
  ),
  stale: sourcesOf(promotedRun({ phase: 'EXECUTING', status: 'running', decision: null, evidence: null, decision_ref: null }), {
    acknowledged: 2,
    audit: {
      ...clean,
      status: 'STALE',
      stale_run: true,
      is_clean: false,
      missing_actions: ['logs/start_trace', 'orchestrator/finalize_run'],
    },
  }),
  job: sourcesOf(jobRun(), {
    manifest: manifestOf(4),
    watch,
    remote_assist: assist,
    lesson: {
      cause: 'The invoices came without a column for their number.',
      next_action: 'Ask the supplier of the export for invoice_number.',
    },
    incident: { incident_id: 'inc-5', severity: 'low', state: 'open', error_code: 'input-wrong-headers' },
  }),
};
