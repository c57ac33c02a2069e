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
  here: { readonly active: readonly PackRef[]; readonly signer_keys: readonly SignerKeyFact[] },
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
  problems.push(...cannotMeet(file, here.signer_keys));
  if (problems.length > 0) return { ok: false, problems };
  const contract = { ...settings, policy_packs: pinned };
  return { ok: true, contract, digest: jcsDigest(contract) };
}

function cannotMeet(file: ContractFile, keys: readonly SignerKeyFact[]): ApplyProblem[] {
  const problems: ApplyProblem[] = [];
  const { approvals, defer, promotion_types, required_checks, signers } = file;
  if (approvals.quorum > 0 || approvals.roles.length > 0 || approvals.overridable_rules.length > 0) {
    problems.push({
      path: 'approvals',
      message: 'this version keeps no approvals',
      fix: 'leave approvals out, or set quorum: 0 without roles',
    });
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
