import { type jobRoutes, Problem, type pauseJobRoutes, type RouteList, type RouteResponse, schemaVersion } from '@govctl/core/api';
import { jcsDigest } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { type JobFile, jobFact, jobGates, type Requires, renderRun, runLockMs, submitJob } from '@govctl/core/job';
import { isEnded, type Phase } from '@govctl/core/run';
import type { DenialLimit } from '../evidence/denial-limit.ts';
import { decodeCursor, encodeCursor, type Handlers } from '../http/index.ts';
import type { LogReader } from '../promotion/answer.ts';
import { recordByRef, runById } from '../promotion/queries.ts';
import { type Admission, admit } from './admission.ts';
import { jobContext } from './context.ts';
import { logHandler } from './log-handler.ts';
import { jobPauseHandlers } from './pause.ts';
import { decisionOf, jobRows, promotionsAfter, readStoredJob, type StoredJob } from './queries.ts';
import type { JobWorker } from './worker.ts';
import type { JobDependencies } from './worker-port.ts';

export type JobHandlerDependencies = JobDependencies & {
  readonly log: LogReader;
  readonly worker: JobWorker;
  readonly refusals: DenialLimit;
};

type RunAnswer = RouteResponse<RouteList['run.get']>;
const rebuilds = 3;
const farFuture = '9999-12-31T23:59:59.999Z';

/** What others ask of jobs, besides the routes. */
export type Jobs = {
  readonly handlers: Handlers<typeof jobRoutes & typeof pauseJobRoutes>;
  /** A job as `run get` answers, and its file. @throws Problem `not-found` */
  readonly described: (run_id: string, actor: Actor) => Promise<{ readonly document: RunAnswer; readonly file: JobFile }>;
};

/** Submits, shows and stops jobs. */
export function jobHandlers(deps: JobHandlerDependencies): Jobs {
  const { database, journal, worker } = deps;

  const submit = async (
    asked: { readonly run_id: string; readonly tenant_id: string; readonly source: string; readonly rerun_of: string | null },
    actor: Actor,
    traceparent: string | undefined,
  ): Promise<RunAnswer> => {
    const { run_id, tenant_id, source, rerun_of } = asked;
    for (let attempt = 0; attempt < rebuilds; attempt += 1) {
      const [[known]] = await database.read([runById({ run_id })]);
      const request_digest = jcsDigest({ kind: 'job', tenant_id, source, rerun_of });
      if (known !== undefined) return await again(known, request_digest, actor);
      const context = await jobContext(deps, '');
      const admission = await admit(deps, source, tenant_id, actor, context.at);
      const { file, job_digest, lock } = admission;
      requireGrant(actor, 'run.submit', tenant_id, file.workspace);
      refuse(admission, run_id);
      const step = submitJob(
        {
          run_id,
          tenant_id,
          file,
          source,
          job_digest,
          request_digest,
          actor,
          trace_id: traceparent?.slice(3, 35) ?? deps.randomHex(16),
          rerun_of,
          expected_fence: lock?.fence ?? 0,
        },
        context,
      );
      const result = await journal.commit(step.unit);
      if (!result.ok) continue;
      worker.wake();
      return await shown({ run: step.run, steps: [] });
    }
    throw new Problem('conflict', {
      detail: `the workspace kept changing hands while ${run_id} was submitted; nothing was done`,
      hint: 'try again: the same run_id is safe',
      retryAfterSeconds: 1,
    });
  };

  const again = async (
    known: {
      readonly run_id: string;
      readonly kind: string;
      readonly tenant_id: string;
      readonly dataset_id: string;
      readonly request_digest: string;
    },
    digest: string,
    actor: Actor,
  ) => {
    const mayKnow = mayAffect(actor, 'run.read', known) || mayAffect(actor, 'run.submit', known);
    const stored =
      known.kind === 'job' && known.request_digest === digest && mayKnow ? await readStoredJob(database, known.run_id) : undefined;
    if (stored !== undefined) return await shown(stored);
    throw new Problem('run-id-reused', { detail: `run_id ${known.run_id} belongs to another request`, hint: 'use a new --run-id' });
  };

  const shown = async ({ run, steps }: StoredJob): Promise<RunAnswer> => {
    const { decision_ref, evidence_ref, run_id } = run.row;
    const [[decided], [proven], promotions] = await database.read([
      recordByRef({ ref: decision_ref ?? '' }),
      recordByRef({ ref: evidence_ref ?? decision_ref ?? '' }),
      promotionsAfter({ job_run_id: run_id }),
    ]);
    const evidence =
      proven === undefined || proven.covering_size === null
        ? null
        : await deps.log.place(proven.ref, proven.leaf_index, proven.covering_size);
    return renderRun({
      run,
      steps,
      decision: decisionOf(decided?.payload ?? null),
      evidence,
      promotions: promotions.map((row) => row.run_id),
    });
  };

  const readRun = async (run_id: string, actor: Actor, action: string): Promise<StoredJob> => {
    const stored = await readStoredJob(database, run_id);
    if (stored === undefined || !mayAffect(actor, action, stored.run.row)) {
      const [[other]] = await database.read([runById({ run_id })]);
      const promotion = other !== undefined && other.kind !== 'job' && mayAffect(actor, 'promotion.read', other);
      throw new Problem('not-found', {
        detail: promotion ? `run ${run_id} is a ${other.kind}, not a job` : `no job ${run_id}`,
        hint: promotion ? `govctl promotion get ${run_id}` : 'govctl run ls',
      });
    }
    return stored;
  };

  const handlers: Jobs['handlers'] = {
    ...jobPauseHandlers({ ...deps, readRun, shown, wake: () => worker.wake() }),

    'run.submit': async ({ body, actor, traceparent }) => await submit({ ...body, rerun_of: null }, actor, traceparent),

    async 'run.evaluate'({ body, actor, now }) {
      const { tenant_id, source } = body;
      const { file, job_digest, checks, policy } = await admit(deps, source, tenant_id, actor, now);
      requireGrant(actor, 'run.evaluate', tenant_id, file.workspace);
      const compiled = deps.packs.compiled(await deps.packs.factsOf(policy.packs.filter(({ name }) => file.policy_packs.includes(name))));
      const rules = compiled.flatMap((pack) => pack.rules.filter(({ rule }) => rule.on.includes('run_result')));
      return {
        schemaVersion,
        kind: 'RunPlan' as const,
        dry_run: true as const,
        tenant_id,
        workspace: file.workspace,
        job_kind: file.job_kind,
        job_digest,
        label_asof: file.label_asof,
        starts: checks.every(({ ok }) => ok),
        checks: [...checks],
        steps: file.steps.map(({ name, command, requires, timeout, retries, cost_units }) => ({
          step: name,
          command,
          requires: requires === undefined ? null : demandsOf(requires),
          timeout,
          retries,
          cost_units,
        })),
        judged_by: [
          ...jobGates.map(({ code, asks }) => ({ code, asks })),
          ...rules.map(({ code, rule }) => ({ code, asks: `${rule.require} (else: ${rule.severity})` })),
        ],
        outputs: file.outputs,
        limits: file.limits,
      };
    },

    async 'run.ls'({ query: asked, actor }) {
      const [before = farFuture, before_id = ''] = asked.cursor === undefined ? [] : decodeCursor(asked.cursor);
      const [rows] = await database.read([
        jobRows({
          workspace: asked.workspace ?? null,
          tenant_id: asked.tenant_id ?? null,
          status: asked.status ?? null,
          open: asked.open === undefined ? null : Number(asked.open === 'true'),
          before,
          before_id,
          limit: asked.limit + 1,
        }),
      ]);
      const page = rows.slice(0, asked.limit);
      const last = page.at(-1);
      return {
        schemaVersion,
        kind: 'RunList' as const,
        items: page
          .filter((row) => mayAffect(actor, 'run.read', row))
          .map((row) => ({
            run_id: row.run_id,
            tenant_id: row.tenant_id,
            workspace: row.dataset_id,
            job_kind: row.job_kind,
            phase: row.phase,
            status: row.status,
            decision: row.decision,
            actor_id: row.actor_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
            reason: (JSON.parse(row.state) as { reason?: string }).reason ?? null,
          })),
        next_cursor: rows.length > asked.limit && last !== undefined ? encodeCursor([last.created_at, last.run_id]) : null,
      };
    },

    'run.get': async ({ params, actor }) => await shown(await readRun(params.run_id, actor, 'run.read')),

    'run.logs': logHandler(deps, readRun),

    async 'run.stop'({ params, body, actor, now }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const stored = await readRun(params.run_id, actor, 'run.stop');
        const { row, job } = stored.run;
        if (isEnded(row.phase as Phase)) {
          if (row.status === 'cancelled') return await shown(stored);
          throw new Problem('conflict', { detail: `run ${row.run_id} has ended: ${row.status}`, hint: `govctl run get ${row.run_id}` });
        }
        if (job.stop_asked_at !== null) return await shown(stored);
        const context = await jobContext(deps, row.updated_at);
        const record = jobFact(
          stored.run,
          context,
          'run.stop',
          row.decision_ref,
          { phase: row.phase, status: row.status },
          { reason: body.reason, actor },
        );
        const values = { run_id: row.run_id, stop_asked_at: now, stop_asked_by: JSON.stringify(actor), stop_reason: body.reason };
        const result = await journal.commit({ label: 'run.stop', changes: [{ write: 'job.stop', values }], records: [record], events: [] });
        if (!result.ok) continue;
        worker.wake();
        return await shown(await readRun(params.run_id, actor, 'run.stop'));
      }
      throw new Problem('conflict', { detail: `run ${params.run_id} keeps moving`, hint: `govctl run get ${params.run_id}` });
    },

    async 'run.rerun'({ params, body, actor, traceparent }) {
      const { run } = await readRun(params.run_id, actor, 'run.read');
      if (!isEnded(run.row.phase as Phase))
        throw new Problem('conflict', {
          detail: `run ${run.row.run_id} has not ended: ${run.row.phase}/${run.row.status}`,
          hint: `govctl run watch ${run.row.run_id}, or end it: govctl run stop ${run.row.run_id} --reason TEXT`,
        });
      const asked = { run_id: body.run_id, tenant_id: run.row.tenant_id, source: run.job.source, rerun_of: run.row.run_id };
      return await submit(asked, actor, traceparent);
    },
  };
  return {
    handlers,
    async described(run_id, actor) {
      const stored = await readRun(run_id, actor, 'run.read');
      return { document: await shown(stored), file: stored.run.file };
    },
  };
}

function requireGrant(actor: Actor, action: string, tenant_id: string, workspace: string): void {
  if (mayAffect(actor, action, { tenant_id, dataset_id: workspace })) return;
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} has no grant for ${action} in the workspace ${tenant_id}/${workspace}`,
    hint: `an operator can grant it (a workspace is named as a dataset): govctl apikey add --actor ${actor.actor_id} --action ${action} --dataset ${workspace}`,
  });
}

/** Says calmly what stands in the way. The lock is a matter of waiting; everything else of mending, and is told in one go. */
function refuse({ checks, lock, file }: Admission, run_id: string): void {
  const failing = checks.filter(({ ok, name }) => !ok && name !== 'lock');
  const off = failing.find(({ name }) => name === 'jobs' || name === 'tenant');
  if (off !== undefined) throw new Problem('forbidden', { detail: off.detail, hint: off.fix ?? '' });
  if (failing.length > 0) {
    throw new Problem('unprocessable', {
      detail: `the job cannot start: ${failing.length === 1 ? 'one condition does' : `${failing.length} conditions do`} not hold`,
      hint: failing[0]?.fix ?? 'govctl run submit JOB.yaml --dry-run',
      reasons: failing.map(({ name, detail }) => ({ path: name, message: detail })),
    });
  }
  if (checks.every(({ ok }) => ok)) return;
  throw new Problem('locked', {
    detail: `another run is in progress in the workspace ${file.workspace}: ${lock?.holder} holds it, at least until ${lock?.expires_at}; ${run_id} was not submitted`,
    hint: `govctl run watch ${lock?.holder}, then submit again`,
    retryAfterSeconds: runLockMs / 1000,
  });
}

function demandsOf({ inputs, signals, when }: Requires): string {
  return [
    ...(inputs === undefined ? [] : [`inputs ${inputs.join(', ')}`]),
    ...(signals === undefined ? [] : [`signals ${[signals].flat().join(', ')}`]),
    ...(when === undefined ? [] : [when]),
  ].join('; ');
}
