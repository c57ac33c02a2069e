import { isWaivable } from '../decision/exception.ts';
import type { SignerKeyFact } from '../decision/facts.ts';
import { jcsDigest } from '../evidence/jcs.ts';
import type { Contract, ContractFile } from './contract.ts';
import { durationMs } from './duration.ts';
import type { PackRef } from './pack.ts';

/** A demand that cannot be met here and now, and what to change. */
export type ApplyProblem = { readonly path: string; readonly message: string; readonly fix: string };

export type Applied =
  | { readonly ok: true; readonly contract: Contract; readonly digest: string }
  | { readonly ok: false; readonly problems: readonly ApplyProblem[] };

/**
 * Turns a contract as written into one that holds: packs pinned to the digests that are active, every default spelled out. A demand
 * this version cannot meet is refused here, by name; it would otherwise deny every promotion, or worse, be overlooked.
 */
export function applyContract(
  file: ContractFile,
  here: {
    readonly active: readonly PackRef[];
    readonly signer_keys: readonly SignerKeyFact[];
    /** Codes of the rules of the active packs, with whether each may be set aside. */
    readonly rules?: ReadonlyMap<string, { readonly waivable: boolean }>;
  },
): Applied {
  const { apiVersion: _version, kind: _kind, policy_packs, ...settings } = file;
  const problems: ApplyProblem[] = [];
  const pinned = policy_packs.flatMap((name, index) => {
    const pack = here.active.find((candidate) => candidate.name === name);
    if (pack !== undefined) return [{ name: pack.name, version: pack.version, digest: pack.digest }];
    problems.push({ path: `policy_packs[${index}]`, message: `no pack '${name}' is active`, fix: `govctl policy activate ${name}.yaml` });
    return [];
  });
  if (new Set(policy_packs).size !== policy_packs.length) {
    problems.push({ path: 'policy_packs', message: 'a pack is named twice', fix: 'name each pack once' });
  }
  problems.push(...cannotMeet(file, here.signer_keys), ...cannotOverride(file, here.rules ?? new Map()));
  if (problems.length > 0) return { ok: false, problems };
  const contract = { ...settings, policy_packs: pinned };
  return { ok: true, contract, digest: jcsDigest(contract) };
}

function cannotOverride(
  { approvals, policy_packs }: ContractFile,
  rules: ReadonlyMap<string, { readonly waivable: boolean }>,
): ApplyProblem[] {
  const { overridable_rules, quorum, roles } = approvals;
  const path = 'approvals.overridable_rules';
  if (overridable_rules.length > 0 && quorum === 0 && roles.length === 0) {
    return [{ path, message: 'nobody is asked to approve, so nobody could override', fix: 'set approvals.quorum to 1 or more' }];
  }
  return overridable_rules.flatMap((code) => {
    const rule = rules.get(code);
    if (!isWaivable(code) || rule?.waivable === false) {
      return [{ path, message: `${code} is about integrity, the single writer or scope: nobody overrides it`, fix: `leave ${code} out` }];
    }
    if (!code.startsWith('rule:') || (rule !== undefined && policy_packs.includes(code.slice('rule:'.length).split('/')[0] ?? '')))
      return [];
    return [{ path, message: `the packs of the contract have no ${code}`, fix: 'name it as govctl why does: rule:PACK/RULE' }];
  });
}

function cannotMeet(file: ContractFile, keys: readonly SignerKeyFact[]): ApplyProblem[] {
  const problems: ApplyProblem[] = [];
  const { approvals, defer, promotion_types, required_checks, signers } = file;
  for (const role of approvals.roles.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))) {
    problems.push({
      path: 'approvals.roles',
      message: `nobody can be granted role.${role}: a role is lower-case words with dashes`,
      fix: `name it like data-steward`,
    });
  }
  if (new Set(approvals.roles).size !== approvals.roles.length) {
    problems.push({ path: 'approvals.roles', message: 'a role is named twice', fix: 'name each role once; quorum says how many people' });
  }
  if (defer.then === 'escalate') {
    problems.push({
      path: 'defer.then',
      message: 'this version escalates to nobody: a promotion that waited in vain is denied',
      fix: 'set then: deny, or leave it out',
    });
  }
  if (promotion_types.includes('bundle_to_active')) {
    problems.push({ path: 'promotion_types', message: 'this version has no registry of bundles', fix: 'leave bundle_to_active out' });
  }
  const able = keys.filter((key) => key.revoked_at === null && (signers.roles.length === 0 || signers.roles.includes(key.role)));
  const distinct = new Set(able.map((key) => key.public_key)).size;
  if (distinct < signers.threshold) {
    problems.push({
      path: 'signers.threshold',
      message: `asks for ${signers.threshold} distinct keys, ${distinct} are enrolled${signers.roles.length === 0 ? '' : ` as ${signers.roles.join(', ')}`}`,
      fix: `set threshold to at most ${distinct}`,
    });
  }
  for (const role of signers.roles) {
    if (!able.some((key) => key.role === role))
      problems.push({ path: 'signers.roles', message: `no key is enrolled as '${role}'`, fix: `leave '${role}' out` });
  }
  if (durationMs(defer.min_interval) > durationMs(defer.max)) {
    problems.push({
      path: 'defer.min_interval',
      message: `is longer than defer.max (${defer.max})`,
      fix: `set it to at most ${defer.max}`,
    });
  }
  if (new Set(required_checks).size !== required_checks.length) {
    problems.push({ path: 'required_checks', message: 'a check is named twice', fix: 'name each check once' });
  }
  return problems;
}
