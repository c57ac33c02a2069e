import type { GateAnswer } from '../decision/decision.ts';
import type { JobFact } from '../decision/facts.ts';
import { answerOf, type Finding, type Found, fail, type Moment, notRequired, pass } from '../decision/gate.ts';
import { kernelVersion } from '../decision/kernel-version.ts';
import { verdictOf } from '../decision/verdict-of.ts';
import { digestOf } from '../evidence/digest.ts';
import { canonicalJson, jcsDigest } from '../evidence/jcs.ts';
import type { CompiledPack } from '../policy/compile.ts';
import { judge } from '../policy/evaluate.ts';
import { bindValues, type VariableName } from '../policy/variable.ts';
import type { JobDecision, JobFacts } from './decision-document.ts';

type JobGate = { readonly code: string; readonly asks: string; readonly judge: (facts: JobFacts) => Finding };

const look = (run_id: string) => ({ who: 'whoever submitted it', command: `govctl run get ${run_id}` });

const pinnedGate: JobGate = {
  code: 'pinned-inputs',
  asks: 'Was every input pinned by its digest?',
  judge: ({ job }) =>
    job.inputs.length > 0
      ? pass('every input was a verified copy of what is pinned', '>= 1', job.inputs.length)
      : fail({ reason_code: 'input-none', reason: 'no input was pinned', expected: '>= 1', actual: 0, resolve: look(job.run_id) }),
};

const stepsGate: JobGate = {
  code: 'steps',
  asks: 'Did every step end, and none fail?',
  judge({ job }) {
    const failed = job.steps.find(({ status }) => status === 'failed');
    if (failed === undefined && job.succeeded > 0)
      return pass('no step failed', 'no failed step', `${job.succeeded} of ${job.steps.length}`);
    return fail({
      reason_code: failed === undefined ? 'step-none-succeeded' : 'step-failed',
      reason: failed === undefined ? 'no step was run: there is nothing to judge' : `step ${failed.step} failed`,
      expected: 'no failed step',
      actual: failed?.step ?? `0 of ${job.steps.length}`,
      resolve: look(job.run_id),
    });
  },
};

const limitsGate: JobGate = {
  code: 'limits',
  asks: 'Did it stay within its limits?',
  judge({ job }) {
    const { limits, seconds, cost_units } = job;
    const over = seconds > limits.seconds ? 'seconds' : cost_units > limits.cost_units ? 'cost_units' : null;
    if (over === null)
      return pass('within its limits', `${limits.seconds} s, ${limits.cost_units} units`, `${seconds} s, ${cost_units} units`);
    return fail({
      reason_code: 'limit-exceeded',
      reason: `it used ${job[over]} ${over}, and its limit is ${limits[over]}`,
      expected: limits[over],
      actual: job[over],
      resolve: look(job.run_id),
    });
  },
};

/** What is asked of every job, before the rules of its packs. */
export const jobGates: readonly JobGate[] = [pinnedGate, stepsGate, limitsGate];

/**
 * May the result of this job count? Pure. Every gate and every rule on `run_result` of the packs it names answers; a pack that is not active,
 * and packs without a rule that asks anything, deny: silence is not consent.
 *
 * @param packs the packs it names, compiled, in their active version
 */
export function decideJob(facts: JobFacts, packs: readonly CompiledPack[]): JobDecision {
  const now: Moment = { at: facts.as_of, ms: Date.parse(facts.as_of) };
  const found: Found[] = [...jobGates.map((gate) => ({ code: gate.code, finding: gate.judge(facts) })), ...rules(facts, packs, now)];
  const gates: GateAnswer[] = found.map(({ code, finding }) => answerOf(code, finding));
  const decision = verdictOf(gates);
  const waiting = gates.filter(({ outcome }) => outcome === 'defer').map(({ code }) => code);
  return {
    decision,
    gate_set: 'run_result',
    run_id: facts.request.run_id,
    workspace: facts.job.workspace,
    gates,
    policy_rev: facts.policy?.policy_rev ?? null,
    kernel_version: kernelVersion,
    input_digest: digestOf(canonicalJson(facts)),
    decided_by: 'policy',
    ...(decision === 'defer' ? { waiting_on: waiting } : {}),
  };
}

/** A job that waited in vain is denied, and the record says that it was the clock. */
export function jobTimedOut(decision: JobDecision): JobDecision {
  const { waiting_on: _waiting, ...rest } = decision;
  return { ...rest, decision: 'deny', decided_by: 'timeout' };
}

export function jobDecisionDigest(decision: JobDecision): string {
  return jcsDigest(decision);
}

function rules(facts: JobFacts, packs: readonly CompiledPack[], now: Moment): Found[] {
  const found: Found[] = [];
  let asked = 0;
  for (const name of facts.policy_packs) {
    const active = facts.policy?.packs.find((pack) => pack.name === name);
    const pack = packs.find(({ digest }) => digest === active?.digest);
    if (pack === undefined) {
      found.push({ code: `rule:${name}`, finding: notActive(name) });
      continue;
    }
    const variables = bindValues(pack.variables, (variable) => boundTo(variable, facts));
    for (const compiled of pack.rules) {
      const concerns = compiled.rule.on.includes('run_result');
      if (concerns) asked += 1;
      found.push({
        code: compiled.code,
        finding: concerns ? judge(compiled, variables, { checks: [] }, now) : notRequired(`asked on ${compiled.rule.on.join(', ')}`),
      });
    }
  }
  if (asked === 0) found.push({ code: 'rules', finding: nothingAsked(facts) });
  return found;
}

function boundTo(name: VariableName, facts: JobFacts): unknown {
  if (name === 'now') return facts.as_of;
  if (name === 'policy_rev') return facts.policy?.policy_rev ?? null;
  if (name === 'request') return facts.request;
  if (name === 'actor') return facts.request.actor;
  if (name === 'environment') return facts.environment;
  return name === 'job' ? facts.job : null;
}

function notActive(name: string): Finding {
  return fail({
    reason_code: 'pack-not-active',
    reason: `the pack ${name} that shall judge it is not active`,
    expected: name,
    actual: null,
    resolve: { who: 'the owner of the policies', command: `govctl policy activate ${name}.yaml` },
  });
}

function nothingAsked({ policy_packs }: JobFacts): Finding {
  return fail({
    reason_code: 'nothing-asked',
    reason: 'its packs have no rule on run_result: nobody judges it',
    expected: 'a rule on run_result',
    actual: policy_packs.join(', '),
    resolve: { who: 'the owner of the policies', command: 'govctl policy ls' },
  });
}

/** The counted part of a job's fact. */
export function countSteps(steps: JobFact['steps']): Pick<JobFact, 'succeeded' | 'skipped' | 'failed'> {
  const of = (status: string) => steps.filter((step) => step.status === status).length;
  return { succeeded: of('success'), skipped: of('skipped'), failed: of('failed') };
}
