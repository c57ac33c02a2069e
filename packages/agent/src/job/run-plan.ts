import { type RouteList, type RouteResponse, schemaVersion } from '@govctl/core/api';
import type { Actor } from '@govctl/core/identity';
import { type JobStepFile, jobGates, kindsIn, type PlannedStep, plannedNextAction, planSteps, type Requires } from '@govctl/core/job';
import { admit } from './admission.ts';
import { lookIntoInputs, type PlannedInput } from './planned-input.ts';
import { requireGrant } from './submission.ts';
import type { JobDependencies } from './worker-port.ts';

/** What would be run and judged, and what stands in the way of a start: nothing is done. */
export async function runPlan(
  deps: JobDependencies,
  { tenant_id, source }: { readonly tenant_id: string; readonly source: string },
  actor: Actor,
  now: string,
): Promise<RouteResponse<RouteList['run.evaluate']>> {
  const { file, job_digest, checks, policy, inputs } = await admit(deps, source, tenant_id, actor, now);
  requireGrant(actor, 'run.evaluate', tenant_id, file.workspace);
  const { workspace, job_kind, label_asof, outputs, limits } = file;
  const compiled = deps.packs.compiled(await deps.packs.factsOf(policy.packs.filter(({ name }) => file.policy_packs.includes(name))));
  const looked = await lookIntoInputs(deps.objects, inputs);
  const unseen = looked.filter(({ fact }) => fact === null).map(({ input }) => input.name);
  const planned = planSteps(file, { seen: looked.flatMap(({ fact }) => (fact === null ? [] : [fact])), unseen });
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
    inputs: looked.map(plannedInput),
    steps: file.steps.map((step, index) => plannedStep(step, planned[index])),
    next_action: plannedNextAction(planned),
    judged_by: [
      ...jobGates.map(({ code, asks }) => ({ code, asks })),
      ...rules.map(({ code, rule }) => ({ code, asks: `${rule.require} (else: ${rule.severity})` })),
    ],
    outputs,
    limits,
  };
}

function plannedInput(looked: PlannedInput) {
  const { name, dataset_id, snapshot_id } = looked.input;
  const { fact, files } = looked;
  return {
    ...{ name, dataset_id, snapshot_id, files, looked_at: fact?.files.length ?? 0 },
    kinds: fact === null ? [] : kindsIn(fact),
    not_looked_at: looked.fact === null ? looked.why : null,
  };
}

function plannedStep({ name, command, requires, timeout, retries, cost_units }: JobStepFile, planned: PlannedStep | undefined) {
  if (planned === undefined) throw new Error(`nothing is known of step ${name}`);
  return { step: name, command, requires: requires === undefined ? null : demandsOf(requires), timeout, retries, cost_units, ...planned };
}

function demandsOf({ inputs, signals, when }: Requires): string {
  return [
    ...(inputs === undefined ? [] : [`inputs ${inputs.join(', ')}`]),
    ...(signals === undefined ? [] : [`signals ${[signals].flat().join(', ')}`]),
    ...(when === undefined ? [] : [when]),
  ].join('; ');
}
