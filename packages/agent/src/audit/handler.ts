import { type auditRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { draftRecord, jcsDigest, subjectOf } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { Change, Unit } from '@govctl/core/journal';
import { type Database, query } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import type { Journal } from '../journal/index.ts';

export type AuditDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
};

type Filter = { tenant_id: string | null; dataset_id: string | null; all: number };
type HoldRow = {
  hold_id: string;
  tenant_id: string;
  dataset_id: string;
  layer: 'RAW' | 'GDP' | 'KPI';
  reason: string;
  run_id: string | null;
  placed_at: string;
  placed_by: string;
  lifted_at: string | null;
  lifted_by: string | null;
  lift_reason: string | null;
};
type AuditRow = {
  audit_id: string;
  run_id: string;
  tenant_id: string;
  dataset_id: string;
  layer: 'RAW' | 'GDP' | 'KPI';
  owner: string;
  reason: string;
  opened_at: string;
  due_at: string;
  closed_at: string | null;
  closed_by: string | null;
  close_reason: string | null;
};
const filtered = '(:tenant_id IS NULL OR tenant_id = :tenant_id) AND (:dataset_id IS NULL OR dataset_id = :dataset_id)';
const holds = query<Filter, HoldRow>(
  'holds',
  `SELECT * FROM hold WHERE ${filtered} AND (:all = 1 OR lifted_at IS NULL) ORDER BY placed_at, hold_id`,
);
const holdById = query<{ hold_id: string }, HoldRow>('hold by id', 'SELECT * FROM hold WHERE hold_id = :hold_id');
const datasetExists = query<{ tenant_id: string; dataset_id: string }, { dataset_id: string }>(
  'dataset exists',
  'SELECT dataset_id FROM dataset WHERE tenant_id = :tenant_id AND dataset_id = :dataset_id',
);
const audits = query<Filter, AuditRow>(
  'pending audits',
  `SELECT * FROM pending_audit WHERE ${filtered} AND (:all = 1 OR closed_at IS NULL) ORDER BY due_at, audit_id`,
);
const auditById = query<{ audit_id: string }, AuditRow>('audit by id', 'SELECT * FROM pending_audit WHERE audit_id = :audit_id');

const filterOf = (asked: {
  tenant_id?: string | undefined;
  dataset_id?: string | undefined;
  all?: 'true' | 'false' | undefined;
}): Filter => ({
  tenant_id: asked.tenant_id ?? null,
  dataset_id: asked.dataset_id ?? null,
  all: Number(asked.all === 'true'),
});

/** Holds and audits, from a rollback or by hand, and the verbs that clear them; each is evidence and wakes what waited for it. */
export function auditHandlers(
  deps: AuditDependencies,
): Pick<Handlers<typeof auditRoutes>, 'hold.ls' | 'hold.place' | 'hold.lift' | 'audit.overdue' | 'audit.close'> {
  return {
    async 'hold.ls'({ query: asked, actor }) {
      const [rows] = await deps.database.read([holds(filterOf(asked))]);
      return { schemaVersion, kind: 'HoldList' as const, items: rows.filter((row) => mayAffect(actor, 'hold.read', row)) };
    },

    async 'hold.place'({ body, actor, now }) {
      const { tenant_id, dataset_id, layer, reason } = body;
      const target = `${tenant_id}/${dataset_id}`;
      if (!mayAffect(actor, 'hold.place', body))
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} has no grant for hold.place on ${target}`,
          hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action hold.place --dataset ${dataset_id}`,
        });
      const [[known]] = await deps.database.read([datasetExists({ tenant_id, dataset_id })]);
      if (known === undefined) throw new Problem('not-found', { detail: `no dataset ${target}`, hint: 'govctl dataset ls' });
      const row = {
        ...{ hold_id: `hold-${deps.randomHex(8)}`, tenant_id, dataset_id, layer, reason, run_id: null },
        ...{ placed_at: now, placed_by: actor.actor_id, lifted_at: null, lifted_by: null, lift_reason: null },
      };
      const { lifted_at: _at, lifted_by: _by, lift_reason: _reason, ...values } = row;
      const change: Change = { write: 'hold.place', values };
      const evidence_ref = await recorded(deps, 'hold.place', `hold/${row.hold_id}`, row, change, reason, actor, now);
      return { schemaVersion, kind: 'Hold' as const, ...row, evidence_ref };
    },

    async 'hold.lift'({ params, body, actor, now }) {
      const [[row]] = await deps.database.read([holdById(params)]);
      if (row === undefined || !mayAffect(actor, 'hold.lift', row))
        throw new Problem('not-found', { detail: `no hold ${params.hold_id}`, hint: 'govctl hold ls' });
      if (row.lifted_at !== null) return { schemaVersion, kind: 'Hold' as const, ...row, evidence_ref: null };
      const cleared = { ...row, lifted_at: now, lifted_by: actor.actor_id, lift_reason: body.reason };
      const change: Change = {
        write: 'hold.lift',
        values: { hold_id: row.hold_id, lifted_at: now, lifted_by: actor.actor_id, lift_reason: body.reason },
      };
      const evidence_ref = await recorded(deps, 'hold.lift', `hold/${row.hold_id}`, row, change, body.reason, actor, now);
      return { schemaVersion, kind: 'Hold' as const, ...cleared, evidence_ref };
    },

    async 'audit.overdue'({ query: asked, actor, now }) {
      const [rows] = await deps.database.read([audits(filterOf(asked))]);
      return {
        schemaVersion,
        kind: 'PendingAuditList' as const,
        items: rows.filter((row) => mayAffect(actor, 'audit.read', row)).map((row) => ({ ...row, overdue: overdue(row, now) })),
      };
    },

    async 'audit.close'({ params, body, actor, now }) {
      const [[row]] = await deps.database.read([auditById(params)]);
      if (row === undefined || !mayAffect(actor, 'audit.close', row))
        throw new Problem('not-found', { detail: `no pending audit ${params.audit_id}`, hint: 'govctl audit overdue' });
      if (row.closed_at !== null) return { schemaVersion, kind: 'PendingAudit' as const, ...row, overdue: false, evidence_ref: null };
      const closed = { ...row, closed_at: now, closed_by: actor.actor_id, close_reason: body.reason };
      const change: Change = {
        write: 'audit.close',
        values: { audit_id: row.audit_id, closed_at: now, closed_by: actor.actor_id, close_reason: body.reason },
      };
      const evidence_ref = await recorded(deps, 'audit.close', `audit/${row.audit_id}`, row, change, body.reason, actor, now);
      return { schemaVersion, kind: 'PendingAudit' as const, ...closed, overdue: false, evidence_ref };
    },
  };
}

function overdue(row: { due_at: string; closed_at: string | null }, now: string): boolean {
  return row.closed_at === null && row.due_at <= now;
}

type Cleared = { readonly tenant_id: string; readonly dataset_id: string; readonly layer: string; readonly run_id: string | null };

async function recorded(
  deps: AuditDependencies,
  fact: string,
  subject: string,
  row: Cleared,
  change: Change,
  reason: string,
  actor: Actor,
  now: string,
): Promise<string> {
  const { tenant_id, dataset_id } = row;
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(subject, jcsDigest(row))],
    predicate: {
      environment: deps.deployment.environment,
      service_release_id: deps.deployment.service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt: deps.randomHex(16),
      previous: null,
      fact,
      subject,
      digest: null,
      reason,
      detail: { layer: row.layer },
    },
    run_id: row.run_id,
    tenant_id,
    dataset_id,
    recorded_at: now,
  });
  const unit: Unit = {
    label: fact,
    changes: [change, { write: 'dataset.touch', values: { tenant_id, dataset_id, at: now } }],
    records: [record],
    events: [],
  };
  const result = await deps.journal.commit(unit);
  if (!result.ok) throw new Problem('conflict', { detail: `${subject} was cleared by somebody else just now`, hint: 'look again' });
  return record.ref;
}
