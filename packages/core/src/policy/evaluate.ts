import { evidence, type Finding, type Found, fail, type Moment, notRequired, pass } from '../decision/gate.ts';
import type { GateInput } from '../decision/input.ts';
import type { CompiledPack, CompiledRule } from './compile.ts';
import { durationMs } from './duration.ts';
import { bindVariables } from './variable.ts';

/**
 * Asks the contract's pinned packs, every rule. A pack that is pinned and not here, or here and no longer active, gives an answer of
 * its own: rules that nobody could read are not rules that passed.
 */
export function evaluateRules(input: GateInput, packs: readonly CompiledPack[], now: Moment): Found[] {
  const { contract, policy, request } = input.facts;
  if (contract === null || input.gate_set === 'rollback') return [];
  const found: Found[] = [];
  for (const pinned of contract.body.policy_packs) {
    const pack = packs.find(({ digest }) => digest === pinned.digest);
    if (pack === undefined) {
      found.push({ code: `rule:${pinned.name}`, finding: missingPack(pinned) });
      continue;
    }
    if (!policy?.packs.some(({ digest }) => digest === pinned.digest))
      found.push({ code: `rule:${pinned.name}`, finding: inactivePack(pinned) });
    const variables = bindVariables(pack.variables, input, now.at);
    for (const compiled of pack.rules) {
      const asked = compiled.rule.on.some((occasion) => occasion === request.promotion_type);
      found.push({
        code: compiled.code,
        finding: asked ? judge(compiled, variables, input, now) : notRequired(`asked on ${compiled.rule.on.join(', ')}`),
      });
    }
  }
  return found;
}

/** One rule's answer. `input` has the quality results that `max_age` is about. */
export function judge(
  { rule, expression }: CompiledRule,
  variables: Parameters<typeof expression.evaluate>[0],
  input: Pick<GateInput, 'checks'>,
  now: Moment,
): Finding {
  const stale = rule.max_age === undefined ? undefined : tooOld(rule.max_age, input, now);
  const evaluation = expression.evaluate(variables);
  const finding: Omit<Finding, 'outcome' | 'reason_code' | 'reason'> = {
    expected: rule.require,
    actual: evaluation.ok ? evaluation.value : evaluation.error,
    resolve: rule.resolve,
    ...(rule.waivable === undefined ? {} : { waivable: rule.waivable }),
  };
  const holds = evaluation.ok && evaluation.value && stale === undefined;
  const reason = !evaluation.ok
    ? `${rule.message} (the rule could not be evaluated: ${evaluation.error})`
    : !evaluation.value
      ? rule.message
      : (stale?.reason ?? rule.message);
  const code = !evaluation.ok ? 'rule-error' : !evaluation.value ? 'rule-violated' : 'rule-evidence-stale';
  if (rule.effective_on !== undefined && now.ms < Date.parse(rule.effective_on)) {
    if (holds) return notRequired(`in force from ${rule.effective_on}; it holds already`, 'rule-not-yet-effective');
    return {
      ...finding,
      outcome: 'not_required',
      reason_code: 'rule-not-yet-effective',
      reason: `would ${rule.severity} from ${rule.effective_on}: ${reason}`,
    };
  }
  if (holds) return pass('it holds', rule.require, true);
  if (rule.severity === 'warn') return { ...finding, outcome: 'not_required', reason_code: 'rule-warning', reason: `warns: ${reason}` };
  // A rule that cannot be evaluated fails closed: waiting does not mend it.
  const outcome = code === 'rule-evidence-stale' || (evaluation.ok && rule.severity === 'defer') ? 'defer' : 'fail';
  return { ...finding, outcome, reason_code: code, reason, evidence: stale?.evidence };
}

function tooOld(maxAge: string, { checks }: Pick<GateInput, 'checks'>, now: Moment) {
  const limit = durationMs(maxAge);
  const old = checks.find((check) => check.ran_at === null || now.ms - Date.parse(check.ran_at) > limit);
  if (old === undefined) return undefined;
  return {
    reason: old.ran_at === null ? `${old.name} does not say when it ran` : `${old.name} ran longer ago than ${maxAge}`,
    evidence: [evidence(`check:${old.name}`, old.source_digest, old.ran_at, now)],
  };
}

function missingPack({ name, digest }: { name: string; digest: string }): Finding {
  return fail({
    reason_code: 'pack-missing',
    reason: `the pinned pack ${name} is not stored here`,
    expected: digest,
    actual: null,
    resolve: { who: 'the owner of the policies', command: 'govctl policy activate pack.yaml' },
  });
}

function inactivePack({ name, digest }: { name: string; digest: string }): Finding {
  return {
    outcome: 'defer',
    reason_code: 'pack-not-active',
    reason: `the contract pins a version of ${name} that is no longer active`,
    expected: digest,
    actual: 'another version or none',
    resolve: { who: 'the owner of the dataset', command: 'govctl contract apply -f contract.yaml' },
  };
}
