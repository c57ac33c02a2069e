import { schemaVersion } from '../api/common.ts';
import { addressed } from '../decision/addressed.ts';
import type { GateAnswer } from '../decision/decision.ts';
import { exceptionText } from '../decision/exception.ts';
import { gateList } from '../decision/gate-list.ts';
import { jobGates } from '../job/decision.ts';
import { bothEnds, clip, clipOrNull, most } from './bounded.ts';
import { nextStep } from './next-step.ts';
import { receiptLimits as limit, type Receipt, type ReceiptGate } from './receipt.ts';
import { ruleQuestion } from './said-once.ts';
import type { ManifestStep, ReceiptRun, ReceiptSources } from './source.ts';
import { verdictOf } from './verdict.ts';

/** The receipt of a run, from what is stored about it. Pure: the same state gives the same bytes, whoever asks and whenever. */
export function buildReceipt(stored: ReceiptSources): Receipt {
  const sources = { ...stored, run: withItsNames(stored.run) };
  const { run, manifest } = sources;
  const steps = most(manifest?.steps ?? [], limit.steps);
  const verdict = verdictOf(run, manifest?.steps ?? []);
  return {
    schemaVersion,
    kind: 'Receipt',
    run_id: clip(run.run_id, limit.name),
    run_kind: run.run_kind,
    tenant_id: clip(run.tenant_id, limit.name),
    dataset_id: clip(run.dataset_id, limit.name),
    from_layer: clipOrNull(run.from_layer, limit.name),
    to_layer: clipOrNull(run.to_layer, limit.name),
    snapshot_id: clipOrNull(run.snapshot_id === '' ? null : run.snapshot_id, limit.name),
    verdict,
    next: nextStep(sources),
    requested_by: clip(sources.requested_by, limit.name),
    created_at: run.created_at,
    ended_at: verdict.ended ? (run.phases.at(-1)?.at ?? run.updated_at) : null,
    reason: clipOrNull(run.reason),
    supersedes: clipOrNull(run.supersedes, limit.name),
    rolls_back: clipOrNull(run.rolls_back, limit.name),
    steps: steps.kept.map(stepOf),
    steps_left_off: steps.left,
    decision: decisionOf(run),
    evidence: evidenceOf(run, sources.deployment.log),
    audit: auditOf(sources),
    pending_audit: pendingAuditOf(sources),
    incident: incidentOf(sources.incident),
    lesson: sources.lesson === undefined ? null : { cause: clip(sources.lesson.cause), next_action: clip(sources.lesson.next_action) },
    ...watchOf(sources.watch),
    remote_assist: sources.remote_assist ?? null,
    technical: technicalOf(sources),
  };
}

function stepOf(step: ManifestStep): Receipt['steps'][number] {
  return {
    step: clip(step.step, limit.name),
    status: step.status,
    started: step.started,
    ended: step.ended,
    exit_code: step.exit_code,
    output_digest: step.output_digest,
    reason: clipOrNull(step.reason),
    takeaway: clipOrNull(step.takeaway),
    next_action: clipOrNull(step.next_action),
    signals: most(step.signals ?? [], limit.signals).kept.map(({ name, digest, count }) => ({
      name: clip(name, limit.name),
      digest,
      count,
    })),
  };
}

const questionsOf = (gates: readonly { readonly code: string; readonly asks: string }[]) =>
  new Map(gates.map(({ code, asks }) => [code, asks]));
// Some gates of a job have the name of one of a promotion, and ask something else.
const [questions, jobQuestions] = [questionsOf(gateList), questionsOf(jobGates)];
const order = ['blocks', 'waits', 'kept_out', 'passed', 'not_asked'] as const satisfies readonly ReceiptGate['standing'][];

function gateOf({ code, outcome, reason, expected, actual, resolve }: GateAnswer, run_kind: ReceiptRun['run_kind']): ReceiptGate {
  const asked = run_kind === 'job' ? jobQuestions : questions;
  return {
    code: clip(code, limit.name),
    outcome,
    standing: standingOf(outcome, resolve !== null),
    asks: clip(asked.get(code) ?? ruleQuestion),
    reason: clip(reason),
    expected: clipOrNull(expected === null ? null : String(expected)),
    actual: clipOrNull(actual === null ? null : String(actual)),
    resolve: resolve === null ? null : { who: clip(resolve.who), command: clip(resolve.command, limit.command) },
  };
}

function standingOf(outcome: GateAnswer['outcome'], mendable: boolean): ReceiptGate['standing'] {
  switch (outcome) {
    case 'fail':
      return 'blocks';
    case 'defer':
      return 'waits';
    case 'pass':
      return 'passed';
    case 'not_required':
      // What has a mend and was not required is a warning, or was set aside.
      return mendable ? 'kept_out' : 'not_asked';
  }
}

/** With commands that speak of this run. The dataset of a job is its workspace, which no command means by DATASET. */
function withItsNames(run: ReceiptRun): ReceiptRun {
  const { run_id, run_kind, dataset_id, snapshot_id, decision } = run;
  if (decision === null) return run;
  const about = run_kind === 'job' ? { run_id } : { run_id, dataset_id, ...(snapshot_id === null ? {} : { snapshot_id }) };
  return { ...run, decision: { ...decision, gates: addressed(decision.gates, about) } };
}

function decisionOf({ decision, approvals, run_kind }: ReceiptRun): Receipt['decision'] {
  if (decision === null) return null;
  const gates = most(
    decision.gates.map((gate) => gateOf(gate, run_kind)).toSorted((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing)),
    limit.gates,
  );
  const said = most(approvals, limit.approvals);
  const count = (wanted: GateAnswer['outcome']) => decision.gates.filter(({ outcome }) => outcome === wanted).length;
  const spite = exceptionText(decision.exceptions);
  return {
    decision: decision.decision,
    decided_by: decision.decided_by,
    decided_at: decision.valid_from,
    counts: { pass: count('pass'), fail: count('fail'), defer: count('defer'), not_required: count('not_required') },
    gates: [...gates.kept],
    gates_left_off: gates.left,
    exceptions: spite === '' ? null : clip(spite),
    approvals: said.kept.map(({ verdict, actor_id, role, reason, given_at }) => ({
      verdict,
      actor_id: clip(actor_id, limit.name),
      role: clip(role, limit.name),
      reason: clip(reason),
      given_at,
    })),
    approvals_left_off: said.left,
  };
}

function evidenceOf({ run_id, decision_ref, evidence }: ReceiptRun, log: string): Receipt['evidence'] {
  if (decision_ref === null && evidence === null) return null;
  const file = `${run_id}.json`;
  return {
    log: clip(log, limit.name),
    decision_ref,
    place: evidence === null ? null : { ref: evidence.ref, leaf_index: evidence.leaf_index, tree_size: evidence.tree_size },
    verify: [
      { what: 'Fetch everything this run left: records, proofs, policies', command: `govctl evidence export ${run_id} -O ${file}` },
      { what: 'Verify it against the pinned keys, without any connection', command: `govctl evidence verify ${file} --offline` },
      // A run that ended before anything was decided has nothing to decide again.
      ...(decision_ref === null ? [] : [{ what: 'Decide it again from the recorded facts', command: `govctl decision replay ${file}` }]),
    ].map(({ what, command }) => ({ what, command: clip(command, limit.command) })),
  };
}

function auditOf({ audit, owed, acknowledged, report, undone = [] }: ReceiptSources): Receipt['audit'] {
  const missing = most(audit.missing_actions, limit.actions);
  const drift = most(audit.drift_actions, limit.actions);
  const rolledBack = most(undone, limit.actions);
  return {
    status: audit.status,
    sentence: auditSentence(audit, owed),
    owed,
    acknowledged,
    missing: missing.kept.map((action) => clip(action, limit.name)),
    drift: drift.kept.map((action) => clip(action, limit.name)),
    ...(undone.length === 0
      ? {}
      : {
          rolled_back: rolledBack.kept.map(({ domain, action, rollback_reason, at }) => ({
            action: clip(`${domain}/${action}`, limit.name),
            reason: clip(rollback_reason, limit.text),
            at,
          })),
        }),
    left_off: missing.left + drift.left + rolledBack.left,
    stale_run: audit.stale_run,
    is_clean: audit.is_clean,
    report: report ?? null,
  };
}

function auditSentence({ status, is_clean, stale_run }: ReceiptSources['audit'], owed: number): string {
  if (stale_run) return 'The run was never finished, and its time is over.';
  if (status === 'INCOMPLETE')
    return is_clean ? 'Not all of it is done yet, and its time is not over.' : 'Something that had to happen did not.';
  return is_clean
    ? `All ${owed} things this run owed were done or released, and nothing else was.`
    : 'Something happened that nobody expected.';
}

function pendingAuditOf({ run: { pending_audit }, audit_closed }: ReceiptSources): Receipt['pending_audit'] {
  if (pending_audit === null) return null;
  const { audit_id, owner, due_at } = pending_audit;
  return { audit_id: clip(audit_id, limit.name), owner: clip(owner, limit.name), due_at, closed: audit_closed === true };
}

function incidentOf(incident: ReceiptSources['incident']): Receipt['incident'] {
  if (incident === undefined || incident === null) return null;
  const { incident_id, severity, state, error_code } = incident;
  return {
    incident_id: clip(incident_id, limit.name),
    severity: clip(severity, limit.name),
    state: clip(state, limit.name),
    error_code: clipOrNull(error_code, limit.name),
  };
}

function watchOf(watch: ReceiptSources['watch']): Pick<Receipt, 'watch'> {
  if (watch === undefined || watch.items.length === 0) return {};
  const items = most(watch.items, limit.watch).kept.map((item) => ({
    watch: clip(item.watch),
    why: clip(item.why),
    sign: clip(item.sign),
  }));
  return { watch: { title: clip(watch.title, limit.name), items } };
}

function technicalOf({ run, segments, deployment, manifest }: ReceiptSources): Receipt['technical'] {
  const phases = bothEnds(run.phases, limit.phases);
  const stretches = bothEnds(segments, limit.segments);
  return {
    phase: run.phase,
    status: run.status,
    trace_id: clip(run.trace_id, limit.name),
    environment: clip(deployment.environment, limit.name),
    service_release_id: clip(deployment.service_release_id, limit.name),
    kernel_version: clipOrNull(run.decision?.kernel_version, limit.name),
    policy_rev: run.policy_rev ?? run.decision?.policy_rev ?? null,
    input_digest: run.decision?.input_digest ?? null,
    decision_digest: run.decision?.decision_digest ?? null,
    manifest_digest: manifest?.digest ?? null,
    phases: phases.kept.map(({ phase, status, event, at }) => ({ phase, status, event: clip(event, limit.name), at })),
    phases_left_off: phases.left,
    segments: stretches.kept.map(({ n, policy_rev, config_digest, from }) => ({ n, policy_rev, config_digest, from })),
    segments_left_off: stretches.left,
  };
}
