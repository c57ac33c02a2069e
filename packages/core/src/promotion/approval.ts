import type { ApprovalFact } from '../decision/facts.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { Change } from '../journal/change.ts';
import type { Unit } from '../journal/unit.ts';
import type { Judged, SagaContext } from './saga/step.ts';
import type { RunRow } from './write.ts';

/** What a person says of one request, before it is evidence. */
export type Saying = Omit<ApprovalFact, 'evidence_ref' | 'used_by'> & { readonly authenticated_by: string };

/** The record, the row and the fact of what a person said: made together, so that none of them can say something else. */
export type Said = { readonly record: RecordDraft; readonly change: Change; readonly fact: ApprovalFact };

/** Records what a person said of a request. `run` is the request's run as it was read; its newest record is the one before this. */
export function sayOf(run: RunRow, said: Saying, context: Pick<SagaContext, 'environment' | 'service_release_id' | 'salt'>): Said {
  const { authenticated_by, ...saying } = said;
  const { run_id, tenant_id, dataset_id } = run;
  const { verdict, role, request_id, snapshot_hash, target, policy_rev, reason, overrides, expires_at } = saying;
  const record = draftRecord({
    kind: 'approval',
    subject: [subjectOf(`${dataset_id}/${run.snapshot_id}`, snapshot_hash)],
    predicate: {
      environment: context.environment,
      service_release_id: context.service_release_id,
      actor: { actor_id: saying.actor_id, authenticated_by },
      salt: context.salt(),
      previous: run.decision_ref,
      request_id,
      verdict,
      role,
      snapshot_hash,
      target,
      policy_rev,
      reason,
      overrides,
      expires_at,
    },
    run_id,
    tenant_id,
    dataset_id,
    recorded_at: saying.given_at,
  });
  const { request_id: _run, ...row } = saying;
  return {
    record,
    change: {
      write: 'approval.insert',
      values: { ...row, overrides: JSON.stringify(overrides), authenticated_by, run_id, tenant_id, dataset_id, evidence_ref: record.ref },
    },
    fact: { ...saying, used_by: null, evidence_ref: record.ref },
  };
}

/** A yes: it wakes the run that waits for it. */
export function approve({ record, change, fact }: Said, run: RunRow): Unit {
  const { tenant_id, dataset_id } = run;
  return {
    label: 'promotion.approve',
    changes: [change, { write: 'dataset.touch', values: { tenant_id, dataset_id, at: fact.given_at } }],
    records: [record],
    events: [],
  };
}

/** The approvals an allow leans on are used up by it: in the unit that carries it out, or not at all. */
export function useApprovals({ decision, facts }: Judged, decisionRef: string): Change[] {
  const gate = decision.gates.find(({ code }) => code === 'approvals');
  if (gate?.outcome !== 'pass') return [];
  const leansOn = new Set(gate.evidence.map(({ ref }) => ref));
  return facts.approvals
    .filter(({ approval_id }) => leansOn.has(`approval:${approval_id}`))
    .map(({ approval_id }) => ({ write: 'approval.use', values: { approval_id, used_at: facts.as_of, used_by: decisionRef } }));
}
