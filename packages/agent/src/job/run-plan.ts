import { type RouteList, type RouteResponse, schemaVersion } from '@govctl/core/api';
import type { Actor } from '@govctl/core/identity';
import { type JobFile, jobGates, type Requires } from '@govctl/core/job';
import { admit } from './admission.ts';
import { requireGrant } from './submission.ts';
import type { JobDependencies } from './worker-port.ts';

/** What would be run and judged, and what stands in the way of a start: nothing is done. */
export async function runPlan(
  deps: JobDependencies,
  { tenant_id, source }: { readonly tenant_id: string; readonly source: string },
  actor: Actor,
  now: string,
): Promise<RouteResponse<RouteList['run.evaluate']>> {
  const { file, job_digest, checks, policy } = await admit(deps, source, tenant_id, actor, now);
  requireGrant(actor, 'run.evaluate', tenant_id, file.workspace);
  const { workspace, job_kind, label_asof, outputs, limits } = file;
  const compiled = deps.packs.compiled(await deps.packs.factsOf(policy.packs.filter(({ name }) => file.policy_packs.includes(name))));
  const rules = compiled.flatMap((pack) => pack.rules.filter(({ rule }) => rule.on.includes('run_result')));
  return {
    schemaVersion,
    kind: 'RunPlan',
    dry_run: true,
    tenant_id,
    workspace,
    job_kind,
    job_digest,
    label_asof,
    starts: checks.every(({ ok }) => ok),
    checks: [...checks],
    steps: plannedSteps(file),
    judged_by: [
      ...jobGates.map(({ code, asks }) => ({ code, asks })),
      ...rules.map(({ code, rule }) => ({ code, asks: `${rule.require} (else: ${rule.severity})` })),
    ],
    outputs,
    limits,
  };
}

function plannedSteps({ steps }: JobFile) {
  return steps.map(({ name, command, requires, timeout, retries, cost_units }) => ({
    step: name,
    command,
    requires: requires === undefined ? null : demandsOf(requires),
    timeout,
    retries,
    cost_units,
  }));
}

function demandsOf({ inputs, signals, when }: Requires): string {
  return [
    ...(inputs === undefined ? [] : [`inputs ${inputs.join(', ')}`]),
    ...(signals === undefined ? [] : [`signals ${[signals].flat().join(', ')}`]),
    ...(when === undefined ? [] : [when]),
  ].join('; ');
}
