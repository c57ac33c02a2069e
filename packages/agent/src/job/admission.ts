import { Problem } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { type Ceilings, type JobFile, type JobInput, limitsUnder, readJob, workspaceLock } from '@govctl/core/job';
import { snapshotById } from '../snapshot/queries.ts';
import { suspensionOf } from './mid-run.ts';
import { type LockRow, lockByKey, type PolicySet, readPolicySet } from './queries.ts';
import type { JobDependencies } from './worker-port.ts';

/** One condition of a start. */
type StartCheck = { readonly name: string; readonly ok: boolean; readonly detail: string; readonly fix: string | null };

export type Admission = {
  readonly file: JobFile;
  readonly job_digest: string;
  readonly policy: PolicySet;
  readonly lock: LockRow | undefined;
  readonly checks: readonly StartCheck[];
  /** Its inputs, with how many files they have: null where one cannot be used, or the actor may not see it. */
  readonly inputs: readonly { readonly input: JobInput; readonly files: number | null }[];
};

/** The job file, or everything that is wrong with it. @throws Problem `unprocessable` with path and line of each fault */
function requireJob(source: string): JobFile {
  const { job, problems } = readJob(source);
  if (job !== undefined) return job;
  throw new Problem('unprocessable', {
    detail: `the job file has ${problems.length === 1 ? 'a fault' : `${problems.length} faults`}`,
    hint: 'docs/job.md describes every field',
    reasons: problems.map(({ path, line, message }) => ({ path: `${path === '' ? 'job' : path} (line ${line})`, message })),
  });
}

/** Everything a start depends on, asked in one go: dry run and submission ask alike. */
export async function admit(
  deps: Pick<JobDependencies, 'database' | 'packs' | 'config' | 'ceilings' | 'deployment'>,
  source: string,
  tenant_id: string,
  actor: Actor,
  now: string,
): Promise<Admission> {
  const file = requireJob(source);
  const policy = await readPolicySet(deps.database);
  const [[lock]] = await deps.database.read([lockByKey({ lock_key: workspaceLock(tenant_id, file.workspace) })]);
  const checks: StartCheck[] = [enabled(deps), await tenantCheck(deps, tenant_id, actor), limitsCheck(deps.ceilings(), file)];
  const inputs: Admission['inputs'][number][] = [];
  for (const input of file.inputs) {
    const { files, ...check } = await inputCheck(deps, input, tenant_id, actor);
    checks.push(check);
    inputs.push({ input, files });
  }
  for (const { name, dataset_id } of file.outputs) {
    const ok = mayAffect(actor, 'snapshot.create', { tenant_id, dataset_id });
    checks.push({
      name: `output ${name}`,
      ok,
      detail: ok ? `becomes a snapshot of ${dataset_id}` : `${actor.actor_id} may not create snapshots of ${tenant_id}/${dataset_id}`,
      fix: ok ? null : `govctl apikey add --actor ${actor.actor_id} --action snapshot.create --dataset ${dataset_id}`,
    });
  }
  checks.push(...(await packChecks(deps, file, policy)), lockCheck(lock, now));
  return { file, job_digest: digestOf(source), policy, lock, checks, inputs };
}

/** Whether jobs run here: said in the configuration, and only local_parity says yes by itself. */
export function jobsEnabled({ config, deployment }: Pick<JobDependencies, 'config' | 'deployment'>): boolean {
  return config.enabled ?? deployment.environment === 'local_parity';
}

function enabled(deps: Pick<JobDependencies, 'config' | 'deployment'>): StartCheck {
  const ok = jobsEnabled(deps);
  return {
    name: 'jobs',
    ok,
    detail: ok ? 'jobs may run here' : `jobs are switched off in ${deps.deployment.environment}`,
    fix: ok ? null : 'set runs.jobs.enabled: true in govd.yaml and restart govd; check it with: govctl config validate govd.yaml',
  };
}

/** Why it is suspended is for those who may read it. */
async function tenantCheck(deps: Pick<JobDependencies, 'database'>, tenant_id: string, actor: Actor): Promise<StartCheck> {
  const suspended = await suspensionOf(deps, tenant_id);
  const may = mayAffect(actor, 'tenant.read', { tenant_id, dataset_id: '*' });
  return {
    name: 'tenant',
    ok: suspended === null,
    detail: suspended === null ? `${tenant_id} is not suspended` : may ? suspended : `${tenant_id} is suspended`,
    fix: suspended === null ? null : `once its cause is gone: govctl tenant resume ${tenant_id} --reason TEXT`,
  };
}

function limitsCheck(ceilings: Ceilings, { limits }: JobFile): StartCheck {
  const allowed = limitsUnder(limits, ceilings);
  const over = (['steps', 'seconds', 'cost_units'] as const).filter((name) => allowed[name] < limits[name]);
  return {
    name: 'limits',
    ok: over.length === 0,
    detail:
      over.length === 0
        ? 'within what runs.jobs.limits allows'
        : over.map((name) => `limits.${name} is ${limits[name]}, and ${allowed[name]} is allowed here`).join('; '),
    fix:
      over.length === 0
        ? null
        : 'lower limits in the job file, or raise runs.jobs.limits in govd.yaml; what is in force: govctl config show govd.yaml --effective',
  };
}

async function inputCheck(
  { database }: Pick<JobDependencies, 'database'>,
  { name, dataset_id, snapshot_id, snapshot_hash }: JobInput,
  tenant_id: string,
  actor: Actor,
): Promise<StartCheck & { readonly files: number | null }> {
  const [[row]] = await database.read([snapshotById({ snapshot_id })]);
  const of = (ok: boolean, detail: string, fix: string | null) => ({ name: `input ${name}`, ok, detail, fix, files: null });
  // Whoever may not read it learns as much as about one that is not there.
  if (row === undefined || row.tenant_id !== tenant_id || row.dataset_id !== dataset_id || !mayAffect(actor, 'snapshot.read', row))
    return of(false, `there is no snapshot ${snapshot_id} of ${dataset_id}`, `govctl snapshot ls --dataset ${dataset_id}`);
  if (row.snapshot_hash !== snapshot_hash)
    return of(false, `${snapshot_id} contains ${row.snapshot_hash}, not what is pinned`, `govctl snapshot get ${snapshot_id}`);
  if (row.quarantined_at !== null)
    return of(false, `${snapshot_id} is quarantined: ${row.quarantine_reason}`, `govctl snapshot get ${snapshot_id}`);
  if (row.verification === 'withdrawn' || row.missing_objects > 0)
    return of(false, `${snapshot_id} is not whole: ${row.missing_objects} objects are missing`, `govctl snapshot verify ${snapshot_id}`);
  return {
    ...of(true, `${snapshot_id}, ${row.file_count === 1 ? '1 file' : `${row.file_count} files`}, ${row.total_bytes} bytes`, null),
    files: row.file_count,
  };
}

async function packChecks({ packs }: Pick<JobDependencies, 'packs'>, file: JobFile, policy: PolicySet): Promise<StartCheck[]> {
  const compiled = packs.compiled(await packs.factsOf(policy.packs.filter(({ name }) => file.policy_packs.includes(name))));
  const checks = file.policy_packs.map((name): StartCheck => {
    const ok = policy.packs.some((pack) => pack.name === name);
    return {
      name: `policy ${name}`,
      ok,
      detail: ok ? 'active' : 'no such pack is active',
      fix: ok ? null : `govctl policy activate ${name}.yaml`,
    };
  });
  const asked = compiled.flatMap(({ rules }) => rules).filter(({ rule }) => rule.on.includes('run_result'));
  if (asked.length === 0)
    checks.push({
      name: 'policy',
      ok: false,
      detail: 'none of its packs has a rule on run_result: nobody would judge it',
      fix: `name a pack that has one: govctl policy ls --active`,
    });
  return checks;
}

/** Somebody who waits for a paused run to end by itself waits for what somebody has to do. */
function lockCheck(lock: LockRow | undefined, now: string): StartCheck {
  const held = lock !== undefined && lock.holder !== null && (lock.expires_at ?? '') > now;
  if (!held) return { name: 'lock', ok: true, detail: 'the workspace is free', fix: null };
  const { holder, holder_status, expires_at } = lock;
  if (holder_status === 'paused')
    return {
      name: 'lock',
      ok: false,
      detail: `run ${holder} is paused and keeps it meanwhile`,
      fix: `govctl run resume ${holder} --reason TEXT, or end it: govctl run stop ${holder} --reason TEXT`,
    };
  return {
    name: 'lock',
    ok: false,
    detail: `run ${holder} holds it, at least until ${expires_at}`,
    fix: `govctl run watch ${holder}, then submit again`,
  };
}
