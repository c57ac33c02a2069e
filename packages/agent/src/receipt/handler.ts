import { Problem, type runRoutes } from '@govctl/core/api';
import { auditRun } from '@govctl/core/audit';
import type { CapabilityKey } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { RunRow, RunState } from '@govctl/core/promotion';
import {
  type AssistPlace,
  buildReceipt,
  isDataBroken,
  type ManifestStep,
  manifestOfJob,
  type Receipt,
  type ReceiptRun,
  receiptHeaders,
  receiptHtml,
  receiptRunOfJob,
  remoteAssist,
} from '@govctl/core/receipt';
import { watchListFor } from '@govctl/core/watch';
import { undoneOf } from '../audit/run-audit.ts';
import { type Database, query } from '../db/index.ts';
import { type Handlers, Reply } from '../http/index.ts';
import type { Jobs } from '../job/handler.ts';
import type { PromotionAnswers } from '../promotion/answer.ts';
import { runById } from '../promotion/queries.ts';
import { prefersHtml } from './accept.ts';

export type ReceiptDependencies = {
  readonly database: Database;
  readonly answers: PromotionAnswers;
  /** A job as `run get` shows it, and its file. */
  readonly job: Jobs['described'];
  readonly deployment: { readonly environment: string; readonly service_release_id: string; readonly log: string };
  /** Signs references to whoever helps with broken data. */
  readonly signer: CapabilityKey;
  /** Where help is, as configured now; undefined where nowhere. */
  readonly assist: () => AssistPlace | undefined;
};

const auditClosed = query<{ audit_id: string }, { closed_at: string | null }>(
  'audit closed',
  'SELECT closed_at FROM pending_audit WHERE audit_id = :audit_id',
);

type IncidentRow = { incident_id: string; severity: string; error_code: string; resolved_at: string | null };
/** The first of a run: what came after it is mostly its consequence. */
const incidentOfRun = query<{ run_id: string }, IncidentRow>(
  'incident of run',
  'SELECT incident_id, severity, error_code, resolved_at FROM incident WHERE run_id = :run_id ORDER BY opened_at, incident_id LIMIT 1',
);

/** The first whose look at everything began after the run came to where it stands: it stays that one, however often is looked again. */
const reportOfRun = query<{ updated_at: string }, { report_id: number; as_of: string; digest: string }>(
  'report of run',
  'SELECT report_id, as_of, digest FROM reconcile_report WHERE as_of >= :updated_at ORDER BY report_id LIMIT 1',
);

/** What a run leaves for a person: made from what is stored whenever somebody asks, and stored nowhere. */
export function receiptHandlers(deps: ReceiptDependencies): Handlers<typeof runRoutes> {
  return {
    async 'run.receipt'({ params, actor, headers, now }) {
      const [[row]] = await deps.database.read([runById(params)]);
      if (row === undefined || !mayAffect(actor, 'run.read', row))
        throw new Problem('not-found', { detail: `no run ${params.run_id}`, hint: 'govctl promotion ls; jobs: govctl run ls' });
      const receipt = await receiptOf(deps, row, actor, now);
      return prefersHtml(headers.accept) ? new Reply(200, receiptHtml(receipt), receiptHeaders) : receipt;
    },
  };
}

async function receiptOf(deps: ReceiptDependencies, row: RunRow, actor: Actor, now: string): Promise<Receipt> {
  const state = JSON.parse(row.state) as RunState;
  const job = row.kind === 'job' ? await deps.job(row.run_id, actor) : undefined;
  const run: ReceiptRun = job === undefined ? await deps.answers.answer(row) : receiptRunOfJob(job.document);
  const manifest = job === undefined ? undefined : manifestOfJob(job.document);
  const [closed, incidents, [report]] = await deps.database.read([
    auditClosed({ audit_id: state.pending_audit?.audit_id ?? '' }),
    incidentOfRun({ run_id: row.run_id }),
    reportOfRun({ updated_at: row.updated_at }),
  ]);
  const [incident] = incidents;
  return buildReceipt({
    run,
    requested_by: row.actor_id,
    segments: state.segments,
    owed: state.expectations.length,
    acknowledged: state.expectations.filter(({ status }) => status === 'ACKED').length,
    audit: auditRun({ run_id: row.run_id, ...state }, now),
    undone: await undoneOf(deps, row.run_id, state),
    ...(report === undefined ? {} : { report }),
    audit_closed: closed[0]?.closed_at != null,
    deployment: deps.deployment,
    ...(manifest === undefined ? {} : { manifest }),
    ...(incident === undefined ? {} : { incident: { ...incident, state: incident.resolved_at === null ? 'open' : 'resolved' } }),
    ...(state.lesson === undefined ? {} : { lesson: state.lesson }),
    watch: watchListFor({
      business_profile: job?.file.business_profile,
      names: [run.dataset_id, ...(job?.file.inputs ?? []).flatMap(({ name, dataset_id }) => [name, dataset_id])],
    }),
    remote_assist: await assistOf(deps, run, manifest?.steps ?? [], now),
  });
}

async function assistOf(
  deps: ReceiptDependencies,
  run: ReceiptRun,
  steps: readonly ManifestStep[],
  now: string,
): Promise<Receipt['remote_assist']> {
  const place = deps.assist();
  if (place === undefined || !isDataBroken(run, steps)) return null;
  const request = { issuer: deps.deployment.log, trace_id: run.trace_id, since: run.updated_at };
  return await remoteAssist(place, request, deps.signer, now);
}
